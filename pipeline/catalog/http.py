"""The only place that speaks HTTP: one session with retries, time-outs and signing."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
import urllib3
from pystac_client.stac_api_io import StacApiIO

from pipeline.allowed import allowed
from pipeline.catalog.sign import SIGNER, needs_signature
from pipeline.errors import SourceError, TransientSourceError
from pipeline.public_address import NotPublic
from pipeline.storage import require_permit

TIMEOUT = (10, 60)
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = 60.0
MOST_REDIRECTS = 5
CHUNK = 2**16
SLOWEST = 1024
MOST_DOCUMENT = 2**24
MOST_REASON = 300
# What no further try mends, redirects to what is no http(s) address or inside a network among it.
UNREADABLE = (
    requests.exceptions.TooManyRedirects,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    NotPublic,
    # Names that no host can have, and redirects that cannot be taken apart.
    ValueError,
)

Result = TypeVar("Result")


class Refused(TransientSourceError):
    """An answer of 429 or 5xx; `retry_after` is the seconds that the server asks for, None without."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooSlow(TransientSourceError):
    """A body that comes at fewer bytes a second than is worth waiting for."""


class Http:
    """A session for catalogs and downloads.

    Args:
        tries: how often a request is made before it counts as failed.
        pause: seconds before the second try; doubled with each further one, unless the server says
            Retry-After.
        signer: address that signs Planetary Computer's blobs.
        needs_signature: tells which addresses are to be signed.
        sleep: waits for seconds.
        patience: seconds over which a body must come at `SLOWEST` bytes a second or more.
        longest: seconds that a document, read as a whole, may take.

    Attributes:
        received: bytes of all bodies that came so far, used or not.
    """

    def __init__(
        self,
        tries: int = 5,
        pause: float = 1.0,
        signer: str = SIGNER,
        needs_signature: Callable[[str], bool] = needs_signature,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = 30.0,
        longest: float = 300.0,
    ) -> None:
        self.tries = tries
        self.pause = pause
        self.signer = signer
        self.needs_signature = needs_signature
        self.sleep = sleep
        self.patience = patience
        self.longest = longest
        self.received = 0
        self.session = allowed().session()
        self.session.max_redirects = MOST_REDIRECTS
        self.session.headers["User-Agent"] = "earthquilt"

    def stac_io(self) -> StacApiIO:
        """What pystac-client speaks through: documents as `document` brings them."""
        return _StacIO(self)

    def signed(self, address: str) -> str:
        """The address as it can be read: with a token where the host wants one.

        Raises:
            TransientSourceError, SourceError: the signer does not answer, or with something else.
        """
        if not self.needs_signature(address):
            return address
        try:
            return str(json.loads(self.document(self.signer, params={"href": address}))["href"])
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"The signer {self.signer} gave no signed address for {address}.") from error

    def document(self, address: str, method: str = "GET", **asked: Any) -> bytes:
        """A document such as a page of a catalog, whole, tried as often as `tries`.

        Args:
            address: http(s).
            method: of HTTP.
            asked: "headers", "params" and "json" (the body) of the request.

        Raises:
            TransientSourceError: the last of the tries; `TooSlow` where it came slowly or took too long. An
                answer of 2xx other than 200 is one: a server that gives a part of what was asked for whole is
                out of order, and says nothing of the document.
            SourceError: any other answer than 200, with what the server says of it; more than
                `MOST_DOCUMENT` bytes.
        """

        def step() -> bytes:
            with self._asked(address, method, asked) as answer:
                _check_passing(answer, address)
                body = self._whole(answer)
                if 200 < answer.status_code < 300:
                    raise TransientSourceError(f"{_status(answer, address)}, a part of the document.")
                if answer.status_code != 200:
                    reason = " ".join(body[:MOST_REASON].decode(errors="replace").split())
                    raise _refusal(answer, address, reason)
                return body

        return self.persist(step, lambda: 0)

    @contextmanager
    def answer(self, address: str, headers: dict[str, str] | None = None) -> Iterator[requests.Response]:
        """One GET, its body to be streamed; also failures while the body comes are told as transient.

        Raises:
            TransientSourceError: time-out or reset; `Refused` on 429 or 5xx.
            SourceError: any other refusal.
        """
        with self._asked(address, "GET", {"headers": headers}) as answer:
            _check_passing(answer, address)
            if answer.status_code not in (200, 206, 416):
                raise _refusal(answer, address)
            yield answer

    @contextmanager
    def _asked(self, address: str, method: str, asked: dict[str, Any]) -> Iterator[requests.Response]:
        try:
            with self.session.request(method, address, stream=True, timeout=TIMEOUT, **asked) as answer:
                yield answer
        except UNREADABLE as error:
            raise SourceError(f"{plain(address)} cannot be read: {error}.") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransientSourceError(f"{plain(address)} broke off: {type(error).__name__}.") from error

    def _whole(self, answer: requests.Response) -> bytes:
        began, body = time.monotonic(), bytearray()
        for chunk in self.chunks(answer):
            body += chunk
            if len(body) > MOST_DOCUMENT:
                raise SourceError(f"{plain(answer.url)} sent more than {MOST_DOCUMENT // 2**20} MiB.")
            if time.monotonic() - began > self.longest:
                raise TooSlow(f"{plain(answer.url)} sent only {len(body)} bytes in {self.longest:.0f} s.")
        return bytes(body)

    def chunks(self, answer: requests.Response) -> Iterator[bytes]:
        """The body of an answer as it comes.

        Raises:
            TooSlow: for `patience` seconds less than `SLOWEST` bytes a second came.
        """
        waited, came = 0.0, 0
        while True:
            began, before = time.monotonic(), answer.raw.tell()
            chunk = answer.raw.read1(CHUNK, decode_content=True)
            waited += time.monotonic() - began
            self.received += answer.raw.tell() - before
            if not chunk:
                return
            came += len(chunk)
            # Two workers may add to one file that is under way, of which one has lost its lease.
            require_permit()
            yield chunk
            if waited >= self.patience:
                if came < SLOWEST * waited:
                    raise TooSlow(f"{plain(answer.url)} sent only {came} bytes in {waited:.0f} s.")
                waited, came = 0.0, 0

    def persist(self, step: Callable[[], Result], size: Callable[[], int]) -> Result:
        """Try a step until it ends well.

        The count of tries starts anew where, since it last did, bytes came that had not come before, at
        `SLOWEST` a second or more and as many as that makes in `patience` seconds. Crumbs are not enough, and
        neither is what comes again, so that it ends.

        Args:
            step: what is tried; it goes on where the last try ended.
            size: tells how many bytes have come and are kept.

        Returns:
            What the step returns.

        Raises:
            TransientSourceError: the last of the tries in a row that brought too little.
        """
        failures, since, most = 0, time.monotonic(), size()
        while True:
            try:
                return step()
            except TransientSourceError as error:
                now, came = time.monotonic(), size()
                if came - most >= SLOWEST * max(now - since, self.patience):
                    failures, since, most = 0, now, came
                self.wait(failures, error)
                failures += 1

    def wait(self, attempt: int, error: TransientSourceError) -> None:
        """Pause before the next try, or raise `error` after the last.

        Args:
            attempt: number of the try that failed, from 0.
            error: how it failed.
        """
        if attempt + 1 >= self.tries:
            raise error
        asked = error.retry_after if isinstance(error, Refused) else None
        self.sleep(min(asked if asked is not None else self.pause * 2**attempt, LONGEST_WAIT))


def plain(address: str) -> str:
    """An address without its query, which may hold a token."""
    return address.partition("?")[0]


def _check_passing(answer: requests.Response, address: str) -> None:
    if answer.status_code in TRANSIENT:
        wait = _seconds(answer.headers.get("Retry-After"))
        raise Refused(f"{_status(answer, address)}.", wait)


def _refusal(answer: requests.Response, address: str, reason: str = "") -> SourceError:
    said = f": {reason.rstrip('.')}" if reason else ""
    return SourceError(f"{_status(answer, address)}{said}.")


def _status(answer: requests.Response, address: str) -> str:
    return f"{plain(address)} answered with status {answer.status_code}"


def _seconds(retry_after: str | None) -> float | None:
    """Seconds from a Retry-After header, given as a number or as a date."""
    if not retry_after:
        return None
    try:
        # In this order what is no number counts as 0.
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


class _StacIO(StacApiIO):
    """pystac-client's requests, made by ours."""

    def __init__(self, http: Http) -> None:
        super().__init__(max_retries=None)
        self.http = http

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """A document as text; GET has its parameters in the address, others in a JSON body."""
        method = (method or "GET").upper()
        asked = {"headers": headers, "params" if method == "GET" else "json": parameters}
        return self.http.document(href, method, **asked).decode()
