"""Making a backup.

The storage is copied before and after the database is dumped: files are published before a row names them and
removed after no row does, so what the dump names was there before it, or came and is there after it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from pipeline.errors import StorageError
from pipeline.storage import read_json, write_json
from webapp.backups import database, files
from webapp.backups.files import Copied, Earlier

FORMAT = 1
ABOUT = "backup.json"
SUMS = "SHA256SUMS"
DUMP = "database.dump"
STORAGE = "storage"

Say = Callable[[str], object]


def back_up(
    folder: Path, say: Say, with_storage: bool = True, previous: Path | None = None
) -> dict[str, Any]:
    """Make a backup in a new folder; `backup.json` is written last and tells that it is whole.

    Args:
        folder: is made; must be empty where it exists, and outside of the storage.
        say: is told what is done.
        with_storage: False where the storage is kept by other means.
        previous: an earlier backup, whose files that did not change are linked instead of copied.

    Returns:
        What `backup.json` says.

    Raises:
        StorageError: the folder cannot be used or written, or the database not be dumped; or the storage is
            a bucket and was not left out.
    """
    if with_storage and settings.STORAGE_BUCKET:
        raise StorageError(
            f"The storage {settings.STORAGE_URL} is a bucket: keep it by the means of its server (versions, "
            f"a second bucket) and back up with --database-only."
        )
    root = Path(settings.STORAGE_ROOT)
    require_new(folder, root)
    earlier = earlier_of(previous) if previous else None
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, Copied] = {}
    if with_storage:
        say(f"Copying {root}")
        files.copy_new(root, folder / STORAGE, done, earlier)
    say("Dumping the database")
    with database.snapshot() as state:
        about = {
            "format": FORMAT,
            "made_at": timezone.now().isoformat(timespec="seconds"),
            "postgresql": database.version(),
            "migrations": sorted(map(list, MigrationRecorder(connection).applied_migrations())),
            "rows": database.counts(),
            "storage": with_storage,
        }
        database.dump(folder / DUMP, state)
    if with_storage:
        say("Copying what came meanwhile")
        files.copy_new(root, folder / STORAGE, done, earlier)
    sums = {f"{STORAGE}/{name}": one.sha256 for name, one in done.items()}
    files.write_sums(folder / SUMS, sums | {DUMP: files.sha256_of(folder / DUMP)})
    about |= {
        "files": len(done),
        "bytes": sum(one.state.size for one in done.values()),
        "sums": files.sha256_of(folder / SUMS),
    }
    write_json(folder / ABOUT, about)
    return about


def earlier_of(folder: Path) -> Earlier:
    """The storage in an earlier backup.

    Raises:
        StorageError: it is no whole backup.
    """
    sums = read_sums(folder, read_about(folder))
    prefix = f"{STORAGE}/"
    named = {name[len(prefix) :]: digest for name, digest in sums.items() if name.startswith(prefix)}
    return Earlier(folder / STORAGE, named)


def require_new(folder: Path, root: Path) -> None:
    """Refuse a folder that is not empty, or that would be copied into itself.

    Raises:
        StorageError: with the folder.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StorageError(f"{folder} is not empty: name a new folder for each backup.")
    if folder.resolve().is_relative_to(root.resolve()):
        raise StorageError(f"{folder} lies in the storage {root}: name a folder outside of it.")


def read_about(folder: Path) -> dict[str, Any]:
    """What a backup says of itself.

    Raises:
        StorageError: the folder is no whole backup, or one of a later release.
    """
    if not (folder / ABOUT).is_file():
        raise StorageError(f"{folder} is no whole backup: it has no {ABOUT}, which is written last.")
    about: dict[str, Any] = read_json(folder / ABOUT)
    if about.get("format") != FORMAT:
        raise StorageError(f"{folder} has the format {about.get('format')}: this release reads {FORMAT}.")
    return about


def read_sums(folder: Path, about: dict[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file of a backup.

    Raises:
        StorageError: the list is not the one that the backup was finished with.
    """
    require_same(folder / SUMS, about["sums"])
    return files.read_sums(folder / SUMS)


def require_same(path: Path, digest: str) -> None:
    """Refuse a file that has other bytes than it had.

    Raises:
        StorageError: with the file.
    """
    if not path.is_file():
        raise StorageError(f"{path} is missing in the backup.")
    if files.sha256_of(path) != digest:
        raise StorageError(f"{path} is damaged: its SHA-256 is not the one that was written down.")
