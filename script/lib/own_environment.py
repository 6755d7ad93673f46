"""Programs whose packages do not go with ours, each in an environment of its own under `.local/`."""

import subprocess
from pathlib import Path

from script.lib.packages import last_line
from script.lib.places import LOCAL, ROOT, only_one
from script.lib.say import Trouble, step
from script.lib.setup import base_python, is_done, stamp


def ensure(requirements: Path, venv: Path) -> bool:
    """Make an environment from a list of pinned packages, unless it is there; whether it was made."""
    if is_done(requirements, venv):
        return False
    LOCAL.mkdir(exist_ok=True)
    with only_one(venv.name), step(f"Installing {requirements.name} into an environment of its own"):
        if is_done(requirements, venv):
            return False
        for line in (
            [base_python(), "-m", "venv", "--clear", str(venv)],
            [venv / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-deps",
             "-r", requirements],
        ):  # fmt: skip
            done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
            if done.returncode:
                raise Trouble(f"{venv} could not be made: {last_line(done.stderr or done.stdout)}")
        (venv / f"{requirements.stem}.stamp").write_text(stamp(requirements))
    return True
