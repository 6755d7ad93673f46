"""Ports of this machine's loopback."""

import socket


def is_free(port: int) -> bool:
    """Whether a server may take the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keep_or_choose(port: str | None) -> int:
    """The port as it was if it is still free, else another."""
    return int(port) if port and is_free(int(port)) else free_port()
