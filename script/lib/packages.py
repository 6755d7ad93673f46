"""What the system must have: PostGIS, Redis, Python's venv, and Chromium for the browser tests."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from script.lib.say import Trouble, say, step

POSTGRES_OF = {("debian", "12"): 15, ("debian", "13"): 17, ("ubuntu", "24.04"): 16}


def postgres_bin(system: Path = Path("/usr")) -> Path | None:
    """The folder of the newest PostgreSQL that has PostGIS."""
    lib, share = system / "lib/postgresql", system / "share/postgresql"
    versions = sorted((int(p.name) for p in lib.glob("*") if p.name.isdigit()), reverse=True)
    for version in versions:
        binaries = lib / str(version) / "bin"
        if (binaries / "initdb").exists() and (share / f"{version}/extension/postgis.control").exists():
            return binaries
    return None


def distribution(release: Path = Path("/etc/os-release")) -> tuple[str, str]:
    """Name and version of the system, as `("debian", "12")`."""
    text = release.read_text() if release.exists() else ""
    values = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return values.get("ID", "unknown"), values.get("VERSION_ID", "")


def postgis_packages(system: tuple[str, str]) -> list[str]:
    version = POSTGRES_OF.get(system)
    return ["postgresql", f"postgresql-{version}-postgis-3" if version else "postgresql-postgis"]


def missing() -> list[str]:
    """The apt packages that this machine lacks for running Earthquilt."""
    wanted: list[str] = []
    if postgres_bin() is None:
        wanted += postgis_packages(distribution())
    if shutil.which("redis-server") is None:
        wanted.append("redis-server")
    if importlib.util.find_spec("ensurepip") is None:
        wanted.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    return wanted


def prefix_for_root() -> list[str] | None:
    """What to put before a command so that root runs it; None where this user may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo"] if silent.returncode == 0 or sys.stdin.isatty() else None


def install(packages: list[str]) -> None:
    """Install the packages with apt, through sudo where the user is not root."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        raise Trouble(f"This system has no apt-get: install its own {' '.join(packages)}.")
    prefix = prefix_for_root()
    if prefix is None:
        raise Trouble(
            f"{' '.join(packages)} must be installed and this user may not: ask an administrator to run "
            f"`{' '.join(command)}`, then run this again."
        )
    quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    with step(f"Installing {' '.join(packages)} with apt"):
        for line in ([*quiet, "apt-get", "update"], [*quiet, *command]):
            done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Trouble(f"`{' '.join(line)}` failed: {last_line(done.stderr or done.stdout)}")


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing."


def has_gettext() -> bool:
    """Whether GNU gettext is here, which collects and compiles sentences."""
    return all(shutil.which(name) for name in ("xgettext", "msgmerge", "msgen", "msgfmt"))


def try_gettext() -> None:
    """GNU gettext for the tests of translations; where it cannot be had, say so and go on without."""
    if has_gettext():
        return
    try:
        install(["gettext"])
    except Trouble as trouble:
        say(f"No GNU gettext, so the tests of translations are skipped. {trouble}")


def chromium() -> str | None:
    """The path of a Chromium that can be driven; a snap's stub that only says `install me` is none."""
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        path = shutil.which(name)
        if path and answers_its_version(path):
            return path
    return None


def answers_its_version(program: str) -> bool:
    try:
        return (
            subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def try_npm() -> str | None:
    """Npm for the map libraries of the browser tests; where it cannot be had, say so and go on without."""
    if shutil.which("npm") is None:
        try:
            install(["npm"])
        except Trouble as trouble:
            say(f"No npm, so the tests with MapLibre and OpenLayers are skipped. {trouble}")
    return shutil.which("npm")


def try_chromium() -> str | None:
    """Chromium for the browser tests; where it cannot be had, say so and go on without."""
    if found := chromium():
        return found
    if distribution()[0] == "ubuntu":
        say("Ubuntu has Chromium as a snap only, which is not installed here: the browser tests are skipped.")
        return None
    try:
        install(["chromium"])
    except Trouble as trouble:
        say(f"No Chromium, so the browser tests are skipped. {trouble}")
    return chromium()
