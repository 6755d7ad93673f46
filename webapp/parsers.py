"""How bodies of the API are read: JSON of bounded depth."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.utils.translation import gettext
from rest_framework import parsers
from rest_framework.exceptions import ParseError

# As deep as GeoJSON of collections of collections of features; Python's own limit is met at a thousand.
DEEPEST = 32


class JSONParser(parsers.JSONParser):
    """JSON of bounded depth."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read it.

        Raises:
            ParseError: it is none, or nests deeper than anything that is wanted.
        """
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_too_deep()) from error
        require_shallow(found)
        return found


def require_shallow(found: Any) -> None:
    """Refuse what nests too deep.

    Raises:
        ParseError: deeper than `DEEPEST`.
    """
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise ParseError(_too_deep())


def _inside(one: Any) -> Iterator[Any]:
    held = one.values() if isinstance(one, dict) else one
    return (inner for inner in held if isinstance(inner, dict | list))


def _too_deep() -> str:
    return gettext("The JSON nests deeper than %(most)s levels.") % {"most": DEEPEST}
