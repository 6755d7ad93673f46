"""`script/server`: gunicorn on the loopback."""

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from script.lib import ports, services
from script.lib.places import PYTHON, ROOT
from script.lib.say import Trouble, say

PORT = 8000


def command(host: str, port: int, processes: int, threads: int) -> list[str]:
    """The gunicorn command line."""
    memory = Path("/dev/shm")
    heartbeat = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return [
        str(PYTHON), "-m", "gunicorn", "--config", str(ROOT / "webapp" / "gunicorn.py"),
        "webapp.wsgi:application", "--bind", f"{host}:{port}",
        "--workers", str(processes), "--threads", str(threads), "--worker-tmp-dir", str(heartbeat),
        "--graceful-timeout", "5", "--no-control-socket",
    ]  # fmt: skip


def wanted_port(environment: Mapping[str, str] = os.environ) -> int:
    """PORT of the environment, else 8000."""
    text = environment.get("PORT", str(PORT))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Trouble(f"PORT is {text!r}: a number from 1 to 65535 is wanted.", status=2)
    return int(text)


def require_free(port: int) -> None:
    if not ports.is_free(port):
        raise Trouble(f"Port {port} of 127.0.0.1 is taken: end what uses it, or set PORT to another.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/server", description="Serve the web application.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help=f"port (PORT of the environment, else {PORT})")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4, help="threads of each process")
    chosen = parser.parse_args(arguments)
    port = chosen.port or wanted_port()
    if chosen.host == "127.0.0.1":
        require_free(port)
    say(f"Serving on http://{chosen.host}:{port}/")
    os.chdir(ROOT)
    line = command(chosen.host, port, chosen.processes, chosen.threads)
    os.execve(line[0], line, services.environment())
