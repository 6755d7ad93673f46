"""A file server on loopback that knows ranges, and that can be told to misbehave."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

Answer = Callable[["Handler", bytes], None]


@dataclass
class FileServer:
    """Serves a folder at `url`; `mishaps` are answers given, one each, before the right ones.

    `requests` collects (path with query, Range header) of all that was asked.
    """

    folder: Path
    url: str = ""
    mishaps: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def at(self, path: Path | str) -> str:
        """The address of a file of the folder."""
        return f"{self.url}/{Path(path).relative_to(self.folder) if Path(path).is_absolute() else path}"


class Handler(BaseHTTPRequestHandler):
    """One request; HTTP/1.1 with Content-Length, Range, If-Range and ETag."""

    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_GET(self) -> None:
        path = self.files.folder / urlsplit(self.path).path.lstrip("/")
        self.files.requests.append((self.path, self.headers.get("Range")))
        if not path.is_file():
            self.refuse(404)
            return
        content = path.read_bytes()
        if self.files.mishaps:
            self.files.mishaps.pop(0)(self, content)
        else:
            self.serve(content)

    def do_HEAD(self) -> None:
        path = self.files.folder / urlsplit(self.path).path.lstrip("/")
        content = path.read_bytes() if path.is_file() else b""
        self.head(200 if path.is_file() else 404, len(content), ETag=self.tag(content))

    def serve(self, content: bytes) -> None:
        """The right answer."""
        match = self.asked(content)
        if match and match[0] >= len(content):
            self.refuse(416, **{"Content-Range": f"bytes */{len(content)}"})
        else:
            self.wfile.write(self.begin(content))

    def asked(self, content: bytes) -> tuple[int, int] | None:
        """First and last byte of the range that was asked for; None where it is the whole file."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not match or self.headers.get("If-Range", self.tag(content)) != self.tag(content):
            return None
        return int(match[1]), min(int(match[2] or len(content)), len(content) - 1)

    def begin(self, content: bytes) -> bytes:
        """Send the head of the right answer; gives the body that belongs to it."""
        span = self.asked(content)
        if span is None:
            self.head(200, len(content), ETag=self.tag(content))
            return content
        first, last = span
        body = content[first : last + 1]
        told = f"bytes {first}-{last}/{len(content)}"
        self.head(206, len(body), ETag=self.tag(content), **{"Content-Range": told})
        return body

    def refuse(self, status: int, **headers: str) -> None:
        """An answer without a body."""
        self.head(status, 0, **headers)

    def head(self, status: int, length: int, **headers: str) -> None:
        """Status line and headers."""
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def break_off(self) -> None:
        """Close the connection where it stands."""
        self.wfile.flush()
        self.close_connection = True

    @staticmethod
    def tag(content: bytes) -> str:
        """The version of a content."""
        return f'"{hash(content):x}"'

    def log_message(self, *args: object) -> None:
        """Keep the tests' output quiet."""


@contextmanager
def file_server(folder: Path) -> Iterator[FileServer]:
    """Serve a folder until the block ends."""
    files = FileServer(folder)
    handler = type("BoundHandler", (Handler,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    files.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
