"""Where things lie in a checkout, and who may use them."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from script.lib.say import Trouble

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def require_own(folder: Path, root: Path = ROOT) -> None:
    """Make `folder` of a checkout, or refuse one that another user made or that cannot be written."""
    if not folder.exists() and not os.access(root, os.W_OK):
        raise Trouble(f"{root} is not writable for {user_name(os.geteuid())}: use a checkout of your own.")
    folder.mkdir(exist_ok=True)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise Trouble(
            f"{folder} was first used by {user_name(owner)}: run this as {user_name(owner)}, "
            f"or use a checkout of your own."
        )


@contextmanager
def only_one(name: str, sentence: str | None = None, local: Path = LOCAL) -> Iterator[None]:
    """Hold the lock `name` of this checkout; where another holds it, wait, or end with `sentence`."""
    local.mkdir(exist_ok=True)
    with (local / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if sentence else 0))
        except BlockingIOError:
            raise Trouble(str(sentence)) from None
        yield
