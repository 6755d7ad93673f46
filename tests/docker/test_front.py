"""nginx in front keeps public map tiles alone, and nobody outside sees the metrics."""

import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from script.lib import front as front_of
from script.lib import ports

pytestmark = pytest.mark.skipif(front_of.nginx() is None, reason="nginx is not installed here")

# A tenth of the limits, since the server of these tests is slow.
SLOWER = {
    "searchers:16m rate=20r/s": "searchers:16m rate=2r/s",
    "burst=100": "burst=10",
    "rate=100r/s": "rate=10r/s",
    "burst=400": "burst=40",
    "rate=200r/s": "rate=20r/s",
    "burst=800": "burst=80",
    "rate=500r/s": "rate=50r/s",
    "burst=2000": "burst=200",
}
TILE = "/tiles/open/1/rgb/9/1/1.webp"
PUBLIC = "public, max-age=31536000, immutable"


class Web(BaseHTTPRequestHandler):
    """Answers with a number that grows, public below /tiles/open/ and private elsewhere."""

    protocol_version = "HTTP/1.1"
    # Headers and body go out as one, without which each answer waits for 40 ms.
    wbufsize = -1
    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        body = str(len(self.asked)).encode()
        self.send_response(200)
        is_open = self.path.startswith("/tiles/open/")
        self.send_header("Cache-Control", PUBLIC if is_open else "private, no-cache")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args):
        pass


class Front(str):
    """The address of nginx, and where it writes what it was asked."""

    log: Path

    def __new__(cls, address, log):
        made = super().__new__(cls, address)
        made.log = log
        return made


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """The address of a real nginx with the configuration that ships, before a server of numbers."""
    folder = tmp_path_factory.mktemp("front")
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    port = ports.free_port()
    line = front_of.command(front_of.written(folder, port, behind.server_port, SLOWER))
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(line, stdout=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", child)
        yield Front(f"http://127.0.0.1:{port}", folder / "log")
    finally:
        child.terminate()
        child.wait(timeout=20)
        behind.shutdown()


def wait_for(address, child):
    for _ in range(100):
        assert child.poll() is None, "nginx refuses its configuration"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("nginx does not answer")


def ask(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as reply:
        return reply.read(), reply.headers


def test_a_public_map_tile_is_asked_for_once(front):
    first, _ = ask(f"{front}/tiles/open/1/rgb/9/1/2.webp")
    second, headers = ask(f"{front}/tiles/open/1/rgb/9/1/2.webp")
    assert first == second and headers["X-Cache"] == "HIT"
    assert headers["Cache-Control"] == PUBLIC


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/tiles/secret/1/rgb/9/1/2.webp", {}),
        ("/tiles/open/1/rgb/9/1/3.webp?key=abc", {}),
        ("/tiles/open/1/rgb/9/1/4.webp", {"X-API-Key": "abc"}),
        ("/tiles/open/1/rgb/9/1/5.webp", {"Authorization": "Bearer abc"}),
        ("/tiles/open/1/rgb/9/1/6.webp", {"Cookie": "sessionid=abc"}),
        ("/tiles/open/1/products/33TWL/mosaic.tif", {"Range": "bytes=0-0"}),
        ("/orders/7/", {}),
    ],
)
def test_what_is_not_for_everybody_is_asked_for_each_time(front, path, headers):
    assert ask(front + path, **headers)[0] != ask(front + path, **headers)[0]


def test_nothing_that_a_key_opened_is_given_to_others(front):
    address = f"{front}/tiles/open/1/rgb/9/8/8.webp"
    mine, _ = ask(address, **{"X-API-Key": "abc"})
    others, _ = ask(address)
    assert mine != others


def test_hosts_do_not_share(front):
    address = f"{front}/tiles/open/1/rgb/9/9/9.webp"
    one, headers = ask(address, Host="one.example")
    assert headers["X-Host"] == "one.example"
    assert ask(address, Host="two.example")[0] != one


def test_no_key_and_no_link_of_a_delivery_is_written_down(front):
    for path in (
        "/tiles/open/1/rgb/1/1/9.webp?key=eq_secret-of-a-key",
        "/deliveries/secret-of-a-link/all.zip",
    ):
        urllib.request.urlopen(front + path, timeout=20).read()
    for _ in range(100):
        told = front.log.read_text()
        if "/deliveries/***/all.zip" in told:
            break
        time.sleep(0.05)
    assert "/deliveries/***/all.zip" in told and "/tiles/open/1/rgb/1/1/9.webp" in told
    assert "secret-of" not in told


def test_metrics_are_for_the_network_inside(front):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(f"{front}/metrics")


def test_a_flood_by_one_key_ends_here_and_others_are_answered(front):
    told = Counter(status_of(f"{front}{TILE}", key="flood") for _ in range(120))
    assert told[429] > 20 and told[200] > 30
    assert status_of(f"{front}{TILE}", key="another") == 200
    assert status_of(f"{front}{TILE}") == 200


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_words_beside_the_key_do_not_hide_a_flood(front, header):
    address = f"{front}{TILE}?key=beside-{header}"
    # Each from an address of its own, so that the key alone can tell.
    told = Counter(
        status_of(address, visitor=f"203.0.113.{number}", **{header: f"Bearer {number}"})
        for number in range(120)
    )
    assert told[429] > 20 and told[200] > 30


def test_a_flood_of_made_up_keys_from_one_address_ends_here_and_other_addresses_are_answered(front):
    told = Counter(
        status_of(f"{front}{TILE}?key=eq_{number}", visitor="198.51.100.1") for number in range(200)
    )
    assert told[429] > 60 and told[200] > 80
    assert status_of(f"{front}{TILE}?key=mine", visitor="198.51.100.2") == 200
    # Pages without a key go on, also from there.
    assert status_of(f"{front}{TILE}", visitor="198.51.100.1") == 200


def test_addresses_of_one_subscriber_count_as_one(front):
    told = Counter(
        status_of(f"{front}{TILE}?key=eq_v6_{number}", visitor=f"2001:db8:1:2:3:4:5:{number:x}")
        for number in range(200)
    )
    assert told[429] > 60
    assert status_of(f"{front}{TILE}?key=mine", visitor="2001:db8:1:3::5") == 200


def test_what_a_visitor_claims_to_be_is_not_believed(front):
    told = Counter(
        status_of(f"{front}{TILE}?key=eq_claim_{number}", visitor=f"203.0.113.{number}, 198.51.100.3")
        for number in range(200)
    )
    assert told[429] > 60


def test_a_flood_of_searches_ends_here(front):
    told = Counter(status_of(f"{front}/stac/search", visitor="198.51.100.4") for _ in range(60))
    assert told[429] > 30 and told[200] > 8
    assert status_of(f"{front}/stac/search", visitor="198.51.100.5") == 200
    told = Counter(
        status_of(f"{front}/stac/?key=stac", visitor=f"203.0.113.{number}") for number in range(120)
    )
    assert told[429] > 20


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/", "/accounts/%6Cogin/?next=/"])
def test_passwords_are_not_tried_without_limit(front, path):
    visitor = f"198.51.100.{len(path)}"
    told = Counter(status_of(front + path, data=b"username=a", visitor=visitor) for _ in range(120))
    assert told[429] > 100 and told[200] > 8
    assert status_of(front + path, data=b"username=a", visitor="198.51.100.200") == 200
    assert status_of(front + path, visitor=visitor) == 200


def test_passwords_of_the_api_are_not_tried_without_limit(front):
    for scheme in ("Basic", "bAsIc"):
        told = Counter(
            status_of(f"{front}/api/me/", visitor="198.51.100.6", Authorization=f"{scheme} eDp5")
            for _ in range(120)
        )
        assert told[429] > 80
    assert status_of(f"{front}/api/me/", visitor="198.51.100.7", Authorization="Basic eDp5") == 200
    assert status_of(f"{front}/api/me/", visitor="198.51.100.6") == 200


def status_of(address, data=None, key="", visitor="", **headers):
    headers |= {"X-API-Key": key} if key else {}
    headers |= {"X-Forwarded-For": visitor} if visitor else {}
    try:
        asked = urllib.request.Request(address, data=data, headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
