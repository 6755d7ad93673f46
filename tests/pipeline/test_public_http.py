import gzip
import socket
import threading
import time

import pytest

from pipeline.public_address import Exceptions, NotPublic, checked
from pipeline.public_http import Outside
from tests.receiver import make_certificate, receiver

LOOPBACK = Exceptions.of(["127.0.0.1", "127.0.0.2", "hooks.test"])


def outside(**options):
    options = {"exceptions": LOOPBACK, "seconds": 5.0, "resolve": lambda host, port: ["127.0.0.1"]} | options
    return Outside(**options)


def test_a_body_is_sent_and_the_answer_told():
    with receiver() as server:
        answer = outside().post(
            f"http://127.0.0.1:{server.port}/hook?a=b", b'{"a": 1}', {"webhook-id": "msg_1"}
        )
        path, headers, body = server.requests[0]
    assert (answer.status, answer.text, answer.is_taken) == (200, "ok", True)
    assert (path, body, headers["webhook-id"]) == ("/hook?a=b", b'{"a": 1}', "msg_1")
    assert headers["user-agent"] == "earthquilt" and "authorization" not in headers


def test_loopback_is_not_reached_without_an_exception():
    with receiver() as server:
        for host in ("127.0.0.1", "localhost", "hooks.test", "[::ffff:127.0.0.1]", "[::1]"):
            answer = outside(exceptions=Exceptions()).post(f"https://{host}:{server.port}/", b"x", {})
            assert answer.refused and answer.status is None and "public internet" in answer.text, host
    assert server.connections == 0


def test_a_name_that_answers_otherwise_the_second_time_is_refused_then():
    """DNS rebinding between the check of an address and its use."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    def resolve(host, port):
        return next(answers)

    with receiver() as server:
        assert checked("rebind.test", server.port, resolve=resolve)
        answer = outside(exceptions=Exceptions(), resolve=resolve).post(
            f"https://rebind.test:{server.port}/", b"x", {}
        )
    assert answer.refused and server.connections == 0


def test_a_request_resolves_once_and_goes_to_the_address_that_was_checked():
    """DNS rebinding between the check and the connection: a name that changes its answer each time."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    with receiver("127.0.0.1") as wrong, receiver("127.0.0.2", wrong.port) as right:
        answer = outside(resolve=resolve).post(f"http://hooks.test:{right.port}/", b"x", {})
    assert answer.is_taken and asked == ["hooks.test"]
    assert (len(right.requests), wrong.connections) == (1, 0)
    assert right.requests[0][1]["host"] == f"hooks.test:{right.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status):
    with receiver() as inside, receiver() as server:
        server.answers = [(status, b"", {"Location": f"http://127.0.0.1:{inside.port}/"})]
        answer = outside().post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert answer.status == status and not answer.is_taken and inside.connections == 0


def test_a_session_checks_each_redirect():
    """For callers that follow redirects: the next address is checked like the first."""
    with receiver("127.0.0.3") as inside, receiver() as server:
        server.answers = [(302, b"", {"Location": f"http://127.0.0.3:{inside.port}/"})]
        with outside().session() as session, pytest.raises(NotPublic):
            session.get(f"http://127.0.0.1:{server.port}/", timeout=5)
    assert inside.connections == 0


def test_a_server_that_drips_is_cut_off():
    with receiver() as server:
        server.drip, server.answers = 0.2, [(200, b"x" * 1000, {})]
        began = time.monotonic()
        answer = outside(seconds=1.0).post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert time.monotonic() - began < 3 and answer.status == 200 and len(answer.text) < 20


def test_a_server_that_drips_its_headers_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()

        def drip():
            connection, _ = server.accept()
            with connection:
                for _ in range(100):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return
                    time.sleep(0.2)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        answer = outside(seconds=1.0).post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"x", {})
        assert time.monotonic() - began < 3
        assert answer.status is None and answer.text == "There was no answer within 1 s."
        thread.join(5)


def test_only_the_beginning_of_an_answer_is_read_and_nothing_is_unpacked():
    bomb = gzip.compress(b"0" * 50_000_000)
    with receiver() as server:
        server.answers = [(500, bomb, {"Content-Encoding": "gzip"})]
        answer = outside().post(f"http://127.0.0.1:{server.port}/", b"x", {})
        server.answers = [(200, b"y" * 1_000_000, {})]
        long = outside().post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert answer.status == 500 and len(answer.text) <= 4096
    assert long.text == "y" * 4096


def test_nobody_there_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = outside().post(f"http://127.0.0.1:{port}/", b"x", {})
    assert answer.text == "The server could not be reached: Connection refused." and not answer.refused

    def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    told = outside(resolve=unknown).post("https://nowhere.example/", b"x", {})
    assert told.text == "The server could not be reached: Name or service not known."


def test_the_proxy_and_passwords_of_the_machine_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with receiver() as proxy, receiver() as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        answer = outside().post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert answer.is_taken and proxy.connections == 0 and "authorization" not in server.requests[0][1]


def test_certificates_are_held_against_the_name_and_not_the_address(tmp_path):
    good, other = make_certificate(tmp_path, "hooks.test"), make_certificate(tmp_path, "other.test")
    with receiver(certificate=good) as server:
        address = f"https://hooks.test:{server.port}/"
        assert outside(authorities=str(good)).post(address, b"x", {}).is_taken
        unknown = outside().post(address, b"x", {})
    assert unknown.status is None and unknown.text.startswith("The certificate was not accepted: ")
    with receiver(certificate=other) as server:
        answer = outside(authorities=str(other)).post(f"https://hooks.test:{server.port}/", b"x", {})
    assert answer.status is None and "certificate" in answer.text and server.requests == []
