"""`script/restore`: what `script/backup` made, into the database and the storage."""

from typing import NoReturn

from script.lib import backup


def main(arguments: list[str]) -> NoReturn:
    backup.hand_over("restore", arguments)
