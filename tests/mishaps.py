"""Answers of a file server that go wrong, to whole files and to ranges alike; see `tests/file_server.py`."""

import os
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from tests.file_server import Answer, Handler


def truncated(share: float = 0.4) -> Answer:
    """The connection ends after a share of the bytes that were told."""

    def answer(handler: Handler, content: bytes) -> None:
        body = handler.begin(content)
        handler.wfile.write(body[: int(len(body) * share)])
        handler.break_off()

    return answer


def closed(handler: Handler, content: bytes) -> None:
    """The connection ends without an answer."""
    handler.close_connection = True
    handler.connection.close()


def reset(handler: Handler, content: bytes) -> None:
    """The connection is reset (RST, not FIN) in the middle of the answer."""
    body = handler.begin(content)
    handler.wfile.write(body[: int(len(body) * 0.4)])
    time.sleep(0.02)
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def crumbs(handler: Handler, content: bytes) -> None:
    """Ten bytes, and the connection ends."""
    handler.wfile.write(handler.begin(content)[:10])
    handler.break_off()


def without_ranges(handler: Handler, content: bytes) -> None:
    """The whole file, whatever was asked for."""
    handler.head(200, len(content))
    handler.wfile.write(content)


def refused(status: int, **headers: str) -> Answer:
    """A status without a body."""
    return lambda handler, content: handler.refuse(status, **headers)


def other_range(handler: Handler, content: bytes) -> None:
    """Bytes that were not asked for."""
    handler.head(206, 10, **{"Content-Range": f"bytes 7-16/{len(content)}"})
    handler.wfile.write(content[7:17])


def other_length(handler: Handler, content: bytes) -> None:
    """The right range of a file that is said to be shorter."""
    first, last = handler.asked(content) or (0, len(content) - 1)
    span = f"bytes {first}-{last}/{len(content) - 9}"
    handler.head(206, last + 1 - first, **{"Content-Range": span})
    handler.wfile.write(content[first : last + 1])


def garbled(handler: Handler, content: bytes) -> None:
    """As many bytes as were asked for, but others."""
    body = handler.begin(content)
    handler.wfile.write(bytes(byte ^ 0x55 for byte in body))


def one_byte_wrong(place: float | int = 0.5) -> Answer:
    """One bit of one byte is another: at a share of the answer, or at a byte of it."""

    def answer(handler: Handler, content: bytes) -> None:
        body = bytearray(handler.begin(content))
        body[place if isinstance(place, int) else int(len(body) * place)] ^= 4
        handler.wfile.write(body)

    return answer


def little_by_little(piece: int) -> Answer:
    """So many bytes fifty times a second, for as long as somebody waits for them."""

    def answer(handler: Handler, content: bytes) -> None:
        body = handler.begin(content)
        for place in range(0, len(body), piece):
            try:
                handler.wfile.write(body[place : place + piece])
                handler.wfile.flush()
            except OSError:
                break
            time.sleep(0.02)
        handler.break_off()

    return answer


drip = little_by_little(4)


@dataclass
class Halt:
    """An answer that stops in mid-file until it is let go; `reached` tells that it has stopped."""

    share: float = 0.5
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, handler: Handler, content: bytes) -> None:
        body = handler.begin(content)
        handler.wfile.write(body[: int(len(body) * self.share)])
        handler.wfile.flush()
        self.reached.set()
        self.go.wait(60)
        handler.break_off()


FAULTS: dict[str, list[Answer]] = {
    "truncated": [truncated()],
    "429": [refused(429, **{"Retry-After": "0"})],
    "503": [refused(503), refused(503)],
    "closed": [closed],
    "reset": [reset],
    "crumbs": [crumbs] * 3,
    "wrong length": [other_length],
    "wrong range": [other_range],
    "one byte wrong": [one_byte_wrong()],
    "drip": [drip],
    "one after the other": [closed, refused(500), truncated(), refused(429), other_range, reset],
}
