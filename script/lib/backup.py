"""`script/backup`: the database and the storage of this checkout, or of the environment, in a folder."""

import os
from typing import NoReturn

from script.lib import services
from script.lib.places import PYTHON, ROOT


def hand_over(name: str, arguments: list[str]) -> NoReturn:
    """Become `manage.py NAME` with the addresses of this checkout's services."""
    line = [str(PYTHON), str(ROOT / "manage.py"), name, *arguments]
    os.execve(line[0], line, services.environment())


def main(arguments: list[str]) -> NoReturn:
    hand_over("backup", arguments)
