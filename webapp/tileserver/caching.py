"""How long an answer may be kept and by whom, as HTTP says it (RFC 9110, RFC 9111, RFC 5861, RFC 8246)."""

import re

from webapp.tileserver.maptiles import Answer

FOR_EVER = "public, max-age=31536000, immutable"
# What may change: caches show what they have for a day while they ask for the new.
SOON = "public, max-age=60, stale-while-revalidate=86400"
PRIVATE = "private, no-cache"
ANYBODY = ("Access-Control-Allow-Origin", "*")
ETAG = re.compile(r'(?:W/)?("[^"]*")')

Headers = list[tuple[str, str]]


def headers_of(answer: Answer, known: str) -> tuple[int, Headers, bytes]:
    """Give status, headers and body of an answer: 304 where the visitor has it already.

    Args:
        answer: what there is.
        known: the request's If-None-Match.

    Raises:
        rasterio.errors.RasterioIOError: a file cannot be read.
        SourceError: a chip cannot be read.
    """
    headers: Headers = [("ETag", answer.etag), ("Cache-Control", cache_control(answer))]
    if answer.view.is_public:
        headers.append(ANYBODY)
    if known and is_known(answer.etag, known):
        return 304, headers, b""
    body = answer.make()
    headers += [("Content-Type", answer.content_type), ("Content-Length", str(len(body)))]
    return 200, headers, body


def cache_control(answer: Answer) -> str:
    """Say who may keep an answer and how long."""
    if not answer.view.is_public:
        return PRIVATE
    return FOR_EVER if answer.is_settled else SOON


def is_known(etag: str, known: str) -> bool:
    """Whether an If-None-Match names an ETag, weakly compared."""
    return known.strip() == "*" or etag in ETAG.findall(known)
