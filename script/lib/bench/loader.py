"""Asks a server for a list of addresses with several clients at once, each on one connection that it keeps.

Reads `{"host", "port", "paths", "headers", "clients"}` from standard input and writes `{"seconds",
"milliseconds", "bytes", "types"}`; uses nothing but the standard library, so that it takes little of the
processor from the server that it measures.
"""

import json
import socket
import sys
import threading
import time
from collections import Counter
from itertools import count
from typing import Any


class Connection:
    """One kept connection, which speaks as much HTTP/1.1 as the servers here need."""

    def __init__(self, host: str, port: int, headers: str):
        self.address = (host, port)
        self.tail = f" HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}\r\n".encode()
        self.socket: socket.socket | None = None
        self.rest = b""

    def get(self, path: str) -> tuple[int, str, int]:
        """Ask for a path.

        Returns:
            Status, content type and length of the body.
        """
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=120)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"GET " + path.encode() + self.tail)
        head, body = self._head(self.socket)
        lines = head.decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(fields.get("content-length", 0))
        while len(body) < length:
            body += self._more(self.socket)
        if fields.get("connection", "").lower() == "close":
            self.socket.close()
            self.socket = None
        return int(lines[0].split()[1]), fields.get("content-type", ""), length

    def _head(self, stream: socket.socket) -> tuple[bytes, bytes]:
        found = b""
        while b"\r\n\r\n" not in found:
            found += self._more(stream)
        head, _, body = found.partition(b"\r\n\r\n")
        return head, body

    @staticmethod
    def _more(stream: socket.socket) -> bytes:
        some = stream.recv(1 << 18)
        if not some:
            raise ConnectionError("The server closed the connection in the middle of an answer.")
        return some


def load(host: str, port: int, paths: list[str], clients: int, headers: str = "") -> dict[str, Any]:
    """Ask for all paths, each once, as fast as the clients can.

    Raises:
        SystemExit: an answer is none of 200.
    """
    numbers, lock = count(), threading.Lock()
    milliseconds, sizes = [0.0] * len(paths), [0] * len(paths)
    types: Counter[str] = Counter()
    wrong: list[str] = []

    def work() -> None:
        connection = Connection(host, port, headers)
        while not wrong and (number := next(numbers)) < len(paths):
            began = time.perf_counter()
            try:
                status, kind, sizes[number] = connection.get(paths[number])
            except OSError as error:
                status, kind = 0, str(error)
            milliseconds[number] = (time.perf_counter() - began) * 1000
            if status != 200:
                wrong.append(f"{paths[number]} answered {status} {kind}")
            with lock:
                types[kind] += 1

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if wrong:
        raise SystemExit(wrong[0])
    return {"seconds": seconds, "milliseconds": milliseconds, "bytes": sum(sizes), "types": dict(types)}


if __name__ == "__main__":
    print(json.dumps(load(**json.load(sys.stdin))))
