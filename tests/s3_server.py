"""A real S3 server on loopback (moto's, in a process and an environment of its own), and what goes wrong."""

import http.client
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from script.lib import own_environment, ports

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".local" / "s3-venv"
PATIENCE = 60
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
}


class S3Server:
    """The running server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def bucket(self) -> str:
        """Make a new bucket and give its name."""
        name = f"earthquilt-{secrets.token_hex(6)}"
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT")).close()
        return name

    def multiparts_begun(self, bucket: str) -> int:
        """How many uploads in parts were begun and neither ended nor given up."""
        with urllib.request.urlopen(f"{self.url}/{bucket}?uploads") as answer:
            return answer.read().count(b"<Upload>")


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start the server on a free port; it ends with the block."""
    own_environment.ensure(ROOT / "requirements-s3.txt", VENV)
    server = S3Server(ports.free_port())
    line = [VENV / "bin" / "python", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(server.port)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(server: S3Server, process: subprocess.Popen) -> None:
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and process.poll() is None:
        try:
            urllib.request.urlopen(f"{server.url}/moto-api/", timeout=1).close()
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise RuntimeError(f"moto's server does not answer on {server.url}")


class Trouble:
    """A server in front of another that does what a plan says with each request, and counts them."""

    def __init__(self, behind: S3Server, plan: Callable[[str, str, int], str]) -> None:
        """Take the plan: from method, path and number of the request to what to do.

        What to do: "pass", "busy" (503 Slow Down), "broken" (500), "cut" (in the middle of what is sent),
        "lost" (done, but the answer never comes), "short" (in the middle of the answer) or "hang".
        """
        self.behind, self.plan = behind, plan
        self.seen: list[tuple[str, str, str]] = []
        self.hangs = threading.Event()
        self._lock = threading.Lock()

    def decide(self, method: str, path: str) -> str:
        with self._lock:
            what = self.plan(method, path, len(self.seen))
            self.seen.append((method, path, what))
        return what

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the block runs; gives the address."""
        trouble = self

        class Handler(_Handler):
            owner = trouble

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Trouble

    def _serve(self) -> None:
        what = self.owner.decide(self.command, self.path)
        length = int(self.headers.get("Content-Length", 0))
        if what == "hang":
            self.owner.hangs.set()
            time.sleep(3600)
        if what == "cut":
            self.rfile.read(length // 2)
            self._hang_up()
            return
        body = self.rfile.read(length)
        if what in ("busy", "broken"):
            code, name = (503, "SlowDown") if what == "busy" else (500, "InternalError")
            self._answer(code, [], f"<Error><Code>{name}</Code></Error>".encode())
            return
        status, headers, content = self._ask(body)
        if what == "lost":
            self._hang_up()
            return
        self._answer(status, headers, content, short=what == "short")

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.behind.port)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), content

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, short: bool = False
    ) -> None:
        self.send_response_only(status)
        told = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if "content-length" not in told:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if short else content)
        if short:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
