import socket

from script.lib import ports


def test_a_port_is_kept_while_it_is_free_and_chosen_again_when_taken():
    port = ports.free_port()
    assert ports.keep_or_choose(str(port)) == port
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        assert not ports.is_free(port)
        assert ports.keep_or_choose(str(port)) != port


def test_a_first_port_is_chosen():
    assert 1024 < ports.keep_or_choose(None) < 65536
