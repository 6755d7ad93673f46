"""Public map tiles answered before Django: no session, no middleware, no query once an edition is known.

Whatever is not plainly a map tile of a public edition that the application has just found goes on to it: it
has the last word.
"""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from webapp.tileserver import addresses, maptiles
from webapp.tileserver.addresses import NotHere
from webapp.tileserver.caching import headers_of
from webapp.tileserver.urls import MAP_TILE

log = logging.getLogger(__name__)

PREFIX = "/tiles/"
# Where a key may be, which the application counts.
KEYS = ("QUERY_STRING", "HTTP_X_API_KEY", "HTTP_AUTHORIZATION")
LINES = {code: f"{code} {HTTPStatus(code).phrase}" for code in (200, 304)}
SNIFF = ("X-Content-Type-Options", "nosniff")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MapTiles:
    """A WSGI application in front of another."""

    def __init__(self, behind: Application):
        """Take the application that answers the rest."""
        self.behind = behind

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith(PREFIX) and not any(environ.get(name) for name in KEYS):
            found = self._map_tile(environ)
            if found:
                status, headers, body = found
                start_response(LINES[status], [*headers, SNIFF])
                return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
        return self.behind(environ, start_response)

    @staticmethod
    def _map_tile(environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes] | None:
        match = MAP_TILE.fullmatch(environ["PATH_INFO"], len(PREFIX))
        if match is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        words = match.groupdict()
        try:
            place = maptiles.parse(words["layer"], words["z"], words["x"], words["name"])
            view = addresses.remembered_view(words["campaign"], words["edition"])
            if view is None:
                return None
            return headers_of(maptiles.find(view, *place), environ.get("HTTP_IF_NONE_MATCH", ""))
        except NotHere:
            return None
        except Exception:
            # The application meets the same, with a database connection that lives, and tells of it.
            log.debug("%s goes on to the application.", environ["PATH_INFO"], exc_info=True)
            return None
