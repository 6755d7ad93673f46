"""What `script/bench map-tiles` makes of its runs, and its loader against a server that counts."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from script.lib.bench.loader import load
from script.lib.bench.map_tiles_report import FORMATS, Pair, markdown, promises, summary


def run(rate, milliseconds=10.0):
    return {"milliseconds": [milliseconds] * 200, "seconds": 200 / rate, "bytes": 1000}


def pair(fmt, own, theirs, same=None):
    runs = {"own": [run(rate) for rate in own], "theirs": [run(rate, 30.0) for rate in theirs]}
    return Pair(fmt, 0.5, runs | {"theirs_same": [run(rate, 20.0) for rate in same or theirs]})


def figures(**ratios):
    pairs = [
        pair(fmt, (100 * ratios.get(fmt, 6), 100 * ratios.get("warm", 20)), (100 + 10 * turn, 100))
        for fmt in FORMATS
        for turn in range(3)
    ]
    return summary(pairs, [{"own": [2.0] * 9, "bare": [4.0] * 9}])


def test_the_smallest_of_the_medians_over_the_formats_is_told():
    found = figures(png=4.4, webp=7, jpg=3.3, warm=15)
    assert found["cold_ratio_to_titiler"] == 3.0
    assert found["warm_ratio_to_titiler"] == 15.0
    assert found["p50_ratio_to_bare_rio_tiler"] == 0.5
    assert found["formats"]["png"]["cold"]["ratios"] == [4.4, 4.0, 3.67]


def test_a_promise_that_is_not_held_is_told_as_such():
    assert all(is_held for _, is_held in promises(figures()))
    text = markdown(figures(webp=4, warm=9))
    assert "- NOT held: webp cold at least 5 times: 3.64" in text
    assert "- NOT held: jpg warm at least 10 times: 9.0" in text
    assert "- held: png cold at least 2 times: 5.45" in text
    assert text.count("| webp | cold |") == 2


@pytest.fixture
def counting():
    """A server on loopback that counts the connections and paths that it gets."""

    class Counter(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        paths: list[str] = []
        connections = 0

        def setup(self):
            super().setup()
            Counter.connections += 1

        def do_GET(self):
            Counter.paths.append(self.path)
            body = b"x" * 1000
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Type", "image/webp")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, Counter
    server.shutdown()


def test_each_path_is_asked_once_and_connections_are_kept(counting):
    server, counter = counting
    paths = [f"/{number}" for number in range(60)]
    found = load("127.0.0.1", server.server_port, paths, clients=4)
    assert sorted(counter.paths) == sorted(paths) and counter.connections <= 4
    assert found["bytes"] == 60_000 and found["types"] == {"image/webp": 60}
    assert len(found["milliseconds"]) == 60 and min(found["milliseconds"]) > 0


def test_an_answer_that_is_no_map_tile_ends_the_run(counting):
    server, _ = counting
    with pytest.raises(SystemExit, match="/missing answered 404"):
        load("127.0.0.1", server.server_port, ["/a", "/missing", "/b"], clients=1)
