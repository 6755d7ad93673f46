"""`script/setup`: what is missing is installed; what is there is left alone."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from script.lib import packages
from script.lib.places import LOCAL, PYTHON, ROOT, VENV, only_one, require_own
from script.lib.say import Trouble, say, step


def stamp(requirements: Path, python: str = sys.version) -> str:
    """A digest of the requirements file, of what it includes, and of Python."""
    digest = hashlib.sha256(python.encode())
    for file in (requirements, *included(requirements)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def included(requirements: Path) -> list[Path]:
    lines = requirements.read_text().splitlines()
    return [requirements.parent / line.split()[1] for line in lines if line.startswith("-r ")]


def is_done(requirements: Path, venv: Path = VENV) -> bool:
    mark = venv / f"{requirements.stem}.stamp"
    return mark.exists() and mark.read_text() == stamp(requirements)


def make_venv() -> None:
    """Make `.venv`, again if it is broken (its Python was removed, or the folder was moved)."""
    works = (
        subprocess.run(
            [PYTHON, "-c", "import sys, pip; print(sys.prefix)"], capture_output=True, text=True, check=False
        )
        if PYTHON.exists()
        else None
    )
    if works and works.returncode == 0 and Path(works.stdout.strip()) == VENV:
        return
    with step("Making .venv"):
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run(
            [base_python(), "-m", "venv", VENV], capture_output=True, text=True, check=False, cwd=ROOT
        )
    if made.returncode:
        raise Trouble(f"Python could not make .venv: {packages.last_line(made.stderr or made.stdout)}")


def base_python() -> str:
    """The Python outside of any environment, which outlives `.venv`."""
    return getattr(sys, "_base_executable", sys.executable)


def install_requirements(requirements: Path) -> None:
    """Install one requirements file, unless the last installation was of the same."""
    if is_done(requirements):
        return
    log = LOCAL / "pip.log"
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "-r", requirements]
    with step(f"Installing {requirements.name} (some minutes on a new machine)"), log.open("w") as file:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            said = packages.last_line(log.read_text(errors="replace"))
            raise Trouble(f"pip could not install {requirements.name} (see {log}): {said}")
    (VENV / f"{requirements.stem}.stamp").write_text(stamp(requirements))


def ensure(tests: bool = False) -> None:
    """Leave the machine able to run Earthquilt, and its tests where asked."""
    if not os.access(ROOT, os.W_OK):
        raise Trouble(f"{ROOT} is not writable for you: use a checkout of your own.")
    require_own(LOCAL)
    with only_one("setup"):
        if wanted := packages.missing():
            packages.install(wanted)
        make_venv()
        require_own(VENV)
        install_requirements(ROOT / "requirements.txt")
        if tests:
            install_requirements(ROOT / "requirements-test.txt")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/setup", description="Install what is missing.")
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    ensure(parser.parse_args(arguments).tests)
    say("Everything is installed.")
    return 0
