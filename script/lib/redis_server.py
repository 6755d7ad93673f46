"""A private Redis: a folder, a port of 127.0.0.1, a password."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from script.lib.say import Trouble

CONFIGURATION = """bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
pidfile "{folder}/redis.pid"
logfile "{folder}/redis.log"
daemonize yes
save 60 1
appendonly no
"""
WAIT_SECONDS = 20


@dataclass(frozen=True)
class Redis:
    """One server, which this user runs."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "redis.conf"

    def pid(self) -> int | None:
        """The process number, None where it is not running."""
        try:
            pid = int((self.folder / "redis.pid").read_text())
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, ValueError):
            return None
        return pid if folder == self.folder.resolve() else None

    def start(self, port: int, password: str) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        text = CONFIGURATION.format(port=port, password=password, folder=str(self.folder).replace('"', '\\"'))
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(text)
        subprocess.run(
            ["redis-server", self.configuration],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        wait_for(lambda: answers(port, password), f"Redis did not start: see {self.folder / 'redis.log'}.")

    def stop(self) -> None:
        """Ask it to save and end."""
        if (pid := self.pid()) is None:
            return
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: self.pid() is None, f"Redis (process {pid}) did not stop.")


def answers(port: int, password: str) -> bool:
    """Whether a Redis with this password is ready on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 2 and (part := connection.recv(200)):
                reply += part
    except OSError:
        return False
    return reply == b"+OK\r\n+PONG\r\n"


def wait_for(condition, sentence: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Trouble(sentence)
        time.sleep(0.05)
