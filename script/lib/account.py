"""Which user runs the database, and where its folder lies."""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from script.lib.places import user_name
from script.lib.say import Trouble

POSTGRES_USER = "postgres"


def prefix() -> list[str]:
    """What to put before PostgreSQL's commands: it refuses to run as root."""
    return ["runuser", "-u", POSTGRES_USER, "--"] if os.geteuid() == 0 else []


def outside_folder(checkout: Path, temporary: Path = Path("/var/tmp")) -> Path:
    """The folder for the services of a checkout that the database's user cannot reach."""
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    return temporary / f"earthquilt-{os.geteuid()}-{digest}"


def reaches(folder: Path) -> bool:
    """Whether the database's user can pass to the folder."""
    return subprocess.run([*prefix(), "test", "-x", folder], cwd="/", check=False).returncode == 0


def services_folder(local: Path, name: str, checkout: Path) -> Path:
    """Make the folder for a set of services, within the checkout if the database's user can reach it."""
    folder = local / name
    if os.geteuid() == 0 and not reaches(make_passable(local)):
        folder = make_own(outside_folder(checkout)) / name
    return make_passable(folder)


def make_passable(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH | stat.S_IXGRP)
    return folder


def make_own(folder: Path) -> Path:
    """Make a folder in a place where everybody may write, and refuse one that somebody else put there."""
    folder.mkdir(mode=0o711, exist_ok=True)
    made = folder.lstat()
    if not stat.S_ISDIR(made.st_mode) or made.st_uid != os.geteuid():
        raise Trouble(f"{folder} belongs to {user_name(made.st_uid)}: remove it.")
    folder.chmod(0o711)
    return folder


def give_to_database(folder: Path) -> None:
    """Make a folder that only the database's user can read."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, POSTGRES_USER, pwd.getpwnam(POSTGRES_USER).pw_gid)


@contextmanager
def secret_file(folder: Path, text: str) -> Iterator[Path]:
    """A file that only the database's user can read, for as long as the block lasts."""
    path = folder / f"secret-{secrets.token_hex(8)}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        if os.geteuid() == 0:
            shutil.chown(path, POSTGRES_USER)
        yield path
    finally:
        path.unlink()
