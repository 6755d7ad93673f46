"""What is known of the pinned packages is told; where nothing could be asked, that is told."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from script.lib import audit, own_environment
from script.lib.places import ROOT
from script.lib.say import Trouble

BAD = {
    "id": "GHSA-xxxx",
    "schema_version": "1.6.0",
    "summary": "It is.",
    "aliases": ["CVE-2026-0001"],
    "affected": [
        {
            "package": {"name": "requests", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@pytest.fixture(scope="module")
def tool():
    """pip-audit as `script/audit` installs it."""
    try:
        own_environment.ensure(audit.TOOL, audit.VENV)
    except Trouble as trouble:
        pytest.skip(f"pip-audit cannot be installed here: {trouble}")
    return audit.VENV / "bin" / "pip-audit"


@contextmanager
def service(known, status=200):
    """An OSV service on loopback that knows something of some packages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = known.get(asked["package"]["name"], [])
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pins(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("requests==2.34.2\nidna==3.20\n")
    return path


def test_a_vulnerability_is_told_with_what_mends_it(tool, pins, capsys):
    with service({"requests": [BAD]}) as address:
        assert audit.audit(tool, [pins], address) == audit.FOUND
    told = capsys.readouterr().out
    assert (
        "2 packages, 1 findings" in told
        and "requests 2.34.2: CVE-2026-0001, GHSA-xxxx, mended in 99.0" in told
    )


def test_nothing_known_ends_well(tool, pins, capsys):
    with service({}) as address:
        assert audit.audit(tool, [pins], address) == 0
    assert "2 packages, 0 findings" in capsys.readouterr().out


def test_a_service_that_cannot_be_asked_is_no_good_news(tool, pins):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with service({}, status=503) as broken:
        for address in (closed, broken):
            with pytest.raises(Trouble, match="is not known") as caught:
                audit.audit(tool, [pins], address)
            assert caught.value.status == audit.UNKNOWN


def test_all_lists_are_asked_for_and_each_package_is_pinned():
    names = {path.name for path in audit.lists()}
    assert {"requirements.txt", "requirements-test.txt", "requirements-audit.txt"} <= names
    for path in audit.lists():
        for line in path.read_text().splitlines():
            assert not line or line.startswith(("#", "-r ")) or "==" in line, f"{path.name}: {line}"
    assert (ROOT / "script" / "audit").stat().st_mode & 0o111
