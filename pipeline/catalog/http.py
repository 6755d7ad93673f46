"""The only place that speaks HTTP: one session with retries, time-outs and signing."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import requests
import urllib3
from pystac_client.stac_api_io import StacApiIO
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pipeline.catalog.sign import SIGNER, needs_signature
from pipeline.errors import SourceError, TransientSourceError

TIMEOUT = (10, 60)
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = 60.0
MOST_REDIRECTS = 5
CHUNK = 2**16
SLOWEST = 1024


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
    """

    def __init__(
        self,
        tries: int = 5,
        pause: float = 1.0,
        signer: str = SIGNER,
        needs_signature: Callable[[str], bool] = needs_signature,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = 30.0,
    ) -> None:
        self.tries = tries
        self.pause = pause
        self.signer = signer
        self.needs_signature = needs_signature
        self.sleep = sleep
        self.patience = patience
        self.session = requests.Session()
        self.session.max_redirects = MOST_REDIRECTS
        self.session.headers["User-Agent"] = "earthquilt"

    def stac_io(self) -> StacApiIO:
        """What pystac-client speaks through: our time-outs, retries of refused and failed requests."""
        retry = Retry(
            self.tries - 1,
            backoff_factor=self.pause,
            backoff_max=LONGEST_WAIT,
            retry_after_max=int(LONGEST_WAIT),
            status_forcelist=TRANSIENT,
            allowed_methods=None,
            raise_on_status=False,
        )
        stac_io = StacApiIO(timeout=TIMEOUT, max_retries=None)
        for scheme in ("http://", "https://"):
            stac_io.session.mount(scheme, HTTPAdapter(max_retries=retry))
        return stac_io

    def signed(self, address: str) -> str:
        """The address as it can be read: with a token where the host wants one.

        Raises:
            TransientSourceError, SourceError: the signer does not answer, or with something else.
        """
        if not self.needs_signature(address):
            return address
        for attempt in range(self.tries):
            try:
                with self.answer(self.signer, params={"href": address}) as answer:
                    return str(json.loads(answer.content)["href"])
            except TransientSourceError as error:
                self.wait(attempt, error)
            except (ValueError, KeyError, TypeError) as error:
                raise SourceError(
                    f"The signer {self.signer} gave no signed address for {address}."
                ) from error
        raise TransientSourceError(f"The signer {self.signer} does not answer.")

    @contextmanager
    def answer(
        self, address: str, headers: dict[str, str] | None = None, params: dict[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """One GET, its body to be streamed; also failures while the body comes are told as transient.

        Raises:
            TransientSourceError: time-out or reset; `Refused` on 429 or 5xx.
            SourceError: any other refusal.
        """
        try:
            with self.session.get(
                address, headers=headers, params=params, stream=True, timeout=TIMEOUT
            ) as answer:
                _check(answer, address)
                yield answer
        except (requests.exceptions.TooManyRedirects, requests.exceptions.InvalidURL) as error:
            raise SourceError(f"{plain(address)} cannot be read: {error}.") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransientSourceError(f"{plain(address)} broke off: {type(error).__name__}.") from error

    def chunks(self, answer: requests.Response) -> Iterator[bytes]:
        """The body of an answer as it comes.

        Raises:
            TooSlow: for `patience` seconds less than `SLOWEST` bytes a second came.
        """
        waited, came = 0.0, 0
        while True:
            began = time.monotonic()
            chunk = answer.raw.read1(CHUNK, decode_content=True)
            waited += time.monotonic() - began
            if not chunk:
                return
            came += len(chunk)
            yield chunk
            if waited >= self.patience:
                if came < SLOWEST * waited:
                    raise TooSlow(f"{plain(answer.url)} sent only {came} bytes in {waited:.0f} s.")
                waited, came = 0.0, 0

    def persist(self, step: Callable[[], None], size: Callable[[], int]) -> None:
        """Try a step until it ends well; tries that bring something start the count of tries anew.

        Args:
            step: what is tried; it goes on where the last try ended.
            size: tells how much has come; a drip does not count as something.

        Raises:
            TransientSourceError: the last of the tries in a row that brought nothing.
        """
        failures = 0
        while True:
            before = size()
            try:
                return step()
            except TransientSourceError as error:
                if size() > before and not isinstance(error, TooSlow):
                    failures = 0
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


def _check(answer: requests.Response, address: str) -> None:
    if answer.status_code in TRANSIENT:
        wait = _seconds(answer.headers.get("Retry-After"))
        raise Refused(f"{plain(address)} answered with status {answer.status_code}.", wait)
    if answer.status_code not in (200, 206, 416):
        raise SourceError(f"{plain(address)} answered with status {answer.status_code}.")


def _seconds(retry_after: str | None) -> float | None:
    """Seconds from a Retry-After header, given as a number or as a date."""
    if not retry_after:
        return None
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
