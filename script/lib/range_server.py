"""A folder served on loopback by ranges, as the stores of Sentinel-2 COGs serve theirs."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHUNK = 2**20


class Handler(BaseHTTPRequestHandler):
    """One request for a file below `folder`: GET with one range or none, HEAD."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        first, end = self.span
        with path.open("rb") as file:
            file.seek(first)
            while first < end:
                chunk = file.read(min(CHUNK, end - first))
                self.wfile.write(chunk)
                first += len(chunk)

    def do_HEAD(self) -> None:
        self._begin()

    def _begin(self) -> Path | None:
        """Send the head; gives the file where its bytes of `span` are to follow."""
        path = (self.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not path.is_file() or not path.is_relative_to(self.folder):
            self._head(404, 0)
            return None
        length = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        self.span = (int(asked[1]), min(int(asked[2] or length), length - 1) + 1) if asked else (0, length)
        first, end = self.span
        if first >= length:
            self._head(416, 0, **{"Content-Range": f"bytes */{length}"})
            return None
        told = {"Content-Range": f"bytes {first}-{end - 1}/{length}"} if asked else {}
        self._head(
            206 if asked else 200, end - first, ETag=f'"{length:x}-{path.stat().st_mtime_ns:x}"', **told
        )
        return path

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), "Accept-Ranges": "bytes", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def range_server(folder: Path) -> Iterator[str]:
    """Serve a folder until the block ends; gives its address."""
    handler = type("FolderHandler", (Handler,), {"folder": Path(folder).resolve()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
