"""HTTP to addresses that strangers give: the public internet only, no redirects, short and small answers."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from pipeline.public_address import (
    NONE,
    Exceptions,
    NotPublic,
    Resolver,
    connect,
    parse,
    system_resolver,
)

SECONDS = 15.0
CONNECT_SECONDS = 5.0
MOST_BYTES = 4096
AGENT = "earthquilt"


@dataclass(frozen=True)
class Answer:
    """What a server said.

    Attributes:
        status: of HTTP; None where nothing was said.
        text: the beginning of the body, or why there is none, in one sentence.
        seconds: that it took.
        retry_after: the header of that name.
        refused: the address was not connected to, as it leads into a network.
    """

    status: int | None
    text: str
    seconds: float
    retry_after: str | None = None
    refused: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the server took what it was sent."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Outside:
    """A door to the public internet, for one thread.

    Attributes:
        exceptions: the operator's.
        resolve: gives the addresses of a name.
        seconds: that a request may take in all, from the first packet to the last.
        most_bytes: of an answer's body that are read.
        authorities: a file of certificates that are trusted in place of the usual ones.
    """

    exceptions: Exceptions = NONE
    resolve: Resolver = system_resolver
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    authorities: str | None = None
    _timed: list[socket.socket] | None = field(default=None, repr=False)

    def session(self) -> requests.Session:
        """A session that checks each of its connections and uses no proxy or password of the machine."""
        made = requests.Session()
        made.trust_env = False
        made.headers["User-Agent"] = AGENT
        for scheme in ("https://", "http://"):
            made.mount(scheme, _Adapter(self))
        return made

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body once; whatever happens becomes an answer.

        Args:
            url: https; http where the operator lists the host.
            body: bytes.
            headers: besides length and agent.
        """
        began = time.monotonic()

        def unsaid(text: str, *, refused: bool = False) -> Answer:
            return Answer(None, text, time.monotonic() - began, refused=refused)

        try:
            target = parse(url, self.exceptions)
            with self._cut_off(), self.session() as session:
                asked: dict[str, Any] = {"data": body, "headers": dict(headers), "stream": True}
                asked |= {"timeout": self.seconds, "allow_redirects": False}
                asked |= {"verify": self.authorities or True}
                with session.post(target.url, **asked) as answer:
                    status, text = answer.status_code, self._beginning(answer)
                    wait = answer.headers.get("Retry-After")
        except NotPublic as error:
            return unsaid(str(error), refused=True)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if refusal := _refusal_in(error):
                return unsaid(str(refusal), refused=True)
            return unsaid(_told(error, time.monotonic() - began, self.seconds))
        return Answer(status, text, time.monotonic() - began, wait)

    def connected(self, host: str, port: int) -> socket.socket:
        """A connection to an address that was checked, cut off when the time of the request is over."""
        made = connect(host, port, min(CONNECT_SECONDS, self.seconds), self.exceptions, self.resolve)
        if self._timed is not None:
            # Encryption takes the socket over; a second handle still ends the connection.
            self._timed.append(made.dup())
        made.settimeout(self.seconds)
        return made

    def _beginning(self, answer: requests.Response) -> str:
        body = b""
        # The status has been said; a body that breaks off changes nothing.
        with suppress(HTTPError, OSError):
            # As it came: what unpacks to gigabytes is never unpacked.
            body = answer.raw.read(self.most_bytes, decode_content=False) or b""
        return body.decode("utf-8", "replace").replace("\x00", "")

    @contextmanager
    def _cut_off(self) -> Iterator[None]:
        """End the connections when the time is over: a server that sends a byte now and then holds nobody."""
        timed: list[socket.socket] = []
        timer = threading.Timer(self.seconds, _cut, [timed])
        timer.daemon = True
        self._timed = timed
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._timed = None
            for one in timed:
                one.close()


def _cut(sockets: list[socket.socket]) -> None:
    for one in list(sockets):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _told(error: BaseException, took: float, most: float) -> str:
    """What went wrong, in one sentence without the machine's own addresses."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate was not accepted: {_reason(error)}."
    if took >= most or isinstance(error, requests.exceptions.Timeout):
        return f"There was no answer within {most:g} s."
    if isinstance(error, requests.exceptions.ConnectionError | HTTPError | OSError):
        return f"The server could not be reached: {_reason(error)}."
    return f"The answer could not be read: {type(error).__name__}."


def _reason(error: BaseException) -> str:
    """The innermost cause in few words."""
    inner: BaseException = error
    while cause := (inner.__cause__ or inner.__context__):
        inner = cause
    told = getattr(inner, "verify_message", None) or getattr(inner, "strerror", None) or type(inner).__name__
    return str(told)[:200].rstrip(".")


def _refusal_in(error: BaseException) -> NotPublic | None:
    """The refusal that a library has wrapped in errors of its own."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, NotPublic):
            return found
        found = found.__cause__ or found.__context__
    return None


class _Adapter(HTTPAdapter):
    """Connects by `Outside.connected`, whatever name or redirect leads there."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Pools whose connections are checked."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self.outside)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """None: a proxy would resolve the name again.

        Raises:
            NotPublic: always.
        """
        raise NotPublic("Addresses that strangers gave are not reached through a proxy.")


def _pools(outside: Outside) -> dict[str, type]:
    def opened(connection: HTTPConnection) -> socket.socket:
        try:
            return outside.connected(connection.host, connection.port)
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, "timed out") from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return opened(self)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return opened(self)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
