"""Clients of `script/bench crowd` count what they are answered, and come again where a server hangs up."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from script.lib.bench.crowd_loader import VIEW, crowd


class Server(BaseHTTPRequestHandler):
    """200 with a body for even columns, 404 for odd ones; hangs up after each third answer without a word."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        column = int(self.path.split("/")[2])
        body = b"x" * 1000
        self.send_response(200 if column % 2 == 0 else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = len(self.asked) % 3 == 0

    def log_message(self, *args):
        pass


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def of_crowd(asked):
    """What clients found, in a thread of its own: once a browser was open, this one has a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(crowd(asked))).result()


def test_each_request_is_counted_once(port):
    Server.asked.clear()
    asked = {
        "host": "127.0.0.1", "port": port, "tiles": [[9, 100, 200]], "address": "/{z}/{x}/{y}",
        "clients": 3, "seconds": 0.5, "rest": 0.05,
    }  # fmt: skip
    found = of_crowd(asked)
    assert not found["errors"]
    assert sum(found["statuses"].values()) == len(found["milliseconds"]) >= 3 * VIEW
    assert found["statuses"][200] == found["statuses"][404]
    assert len(Server.asked) == len(found["milliseconds"])


def test_a_server_that_is_not_there_is_an_error(port):
    asked = {
        "host": "127.0.0.1", "port": 1, "tiles": [[9, 100, 200]], "address": "/{z}/{x}/{y}",
        "clients": 1, "seconds": 0.05, "rest": 0.1,
    }  # fmt: skip
    assert len(of_crowd(asked)["errors"]) == VIEW
