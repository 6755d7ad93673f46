"""nginx with the configuration of `docker/nginx.conf`, before a server of this machine."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from script.lib.places import ROOT

CONF = ROOT / "docker" / "nginx.conf"
USUAL = Path("/usr/sbin/nginx")


def nginx() -> str | None:
    """The program; None where it is not installed."""
    return shutil.which("nginx") or (str(USUAL) if USUAL.exists() else None)


def written(folder: Path, port: int, behind: int, changes: Mapping[str, str] | None = None) -> Path:
    """Write the configuration for a port of this machine, before another, with all files below a folder.

    `changes` are further words of the configuration, each with what is to stand for it.
    """
    text, user = CONF.read_text(), "" if os.getuid() else "user root;"
    for shipped, here in (
        ("server web:8000;", f"server 127.0.0.1:{behind};"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("/tmp/", f"{folder}/"),
        ("/var/cache/nginx/", f"{folder}/"),
        ("worker_processes auto;", f"worker_processes 1; daemon off; {user}"),
        *(changes or {}).items(),
    ):
        if shipped not in text:
            raise ValueError(f"{CONF} has no {shipped!r} that could be changed.")
        text = text.replace(shipped, here)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def command(conf: Path) -> list[str]:
    """The command line that runs nginx with a configuration."""
    return [nginx() or "nginx", "-c", str(conf), "-p", str(conf.parent), "-e", "stderr"]
