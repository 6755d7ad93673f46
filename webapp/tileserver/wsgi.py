"""Public map tiles answered before Django: no session, no middleware, no query once an edition is known.

Whatever is not plainly a map tile of a public edition that the application has just found, asked for without
a key or with one that it has just let in, goes on to it: it has the last word.
"""

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from django.utils import translation

from webapp.keys import admission
from webapp.tileserver import addresses, maptiles
from webapp.tileserver.addresses import NotHere
from webapp.tileserver.caching import ANYBODY, headers_of
from webapp.tileserver.urls import MAP_TILE

log = logging.getLogger(__name__)

PREFIX = "/tiles/"
LINES = {code: f"{code} {HTTPStatus(code).phrase}" for code in (200, 304, 403, 429)}
SNIFF = ("X-Content-Type-Options", "nosniff")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MapTiles:
    """A WSGI application in front of another."""

    def __init__(self, behind: Application):
        """Take the application that answers the rest."""
        self.behind = behind

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith(PREFIX):
            # A thread keeps the language of whom it answered before.
            translation.deactivate()
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
        words, token = match.groupdict(), token_of(environ)
        if token is None:
            return None
        try:
            if token:
                admission.refuse_at_once(token)
            place = maptiles.parse(words["layer"], words["z"], words["x"], words["name"])
            view = addresses.remembered_view(words["campaign"], words["edition"])
            if view is None:
                return None
            referrer = environ.get("HTTP_REFERER") or environ.get("HTTP_ORIGIN", "")
            if token and not admission.admit_known(token, words["campaign"], words["layer"], referrer):
                return None
            return headers_of(maptiles.find(view, *place), environ.get("HTTP_IF_NONE_MATCH", ""))
        except admission.Refused as error:
            return refusal(error)
        except NotHere:
            return None
        except Exception:
            # The application meets the same, with a database connection that lives, and tells of it.
            log.debug("%s goes on to the application.", environ["PATH_INFO"], exc_info=True)
            return None


def token_of(environ: dict[str, Any]) -> str | None:
    """Give the key of a request, "" without one; None where only the application can tell who asks."""
    asked = environ.get("QUERY_STRING", "")
    values = parse_qs(asked) if asked else {}
    if set(values) - {"key"} or (asked and "key" not in values):
        return None
    bearer = environ.get("HTTP_AUTHORIZATION", "")
    if bearer and not bearer.startswith(admission.BEARER):
        return None
    own = values["key"][-1] if values else environ.get("HTTP_X_API_KEY", "")
    return own or bearer.removeprefix(admission.BEARER)


def refusal(error: admission.Refused) -> tuple[int, list[tuple[str, str]], bytes]:
    """Say why a key does not open a map tile, as the application does."""
    told = {"error": {"code": error.code, "message": str(error), "field": None}}
    body = json.dumps(told).encode()
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-cache"), ANYBODY]
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    return error.status, [*headers, ("Content-Length", str(len(body)))], body
