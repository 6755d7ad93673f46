"""Restoring a backup.

Files come first, then the database in one transaction, so that no row ever names what is not there.
"""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from pipeline.errors import StorageError
from pipeline.store.moving import units_in
from webapp.backups import database, files
from webapp.backups.backup import DUMP, STORAGE, Say, read_about, read_sums, require_same
from webapp.campaigns.models import Build, Campaign, Revision
from webapp.campaigns.networks import FOLDER as OF_NETWORKS
from webapp.campaigns.soundness import damaged
from webapp.orders.models import Delivery


def restore(folder: Path, say: Say, replace: bool = False) -> dict[str, Any]:
    """Restore a backup into the database and the storage of the settings, and verify what is there then.

    Args:
        folder: the backup.
        say: is told what is done.
        replace: put it in the place of what database and storage hold now, which is lost.

    Returns:
        What the backup says of itself.

    Raises:
        StorageError: the backup is not whole, or of a later release; database or storage are in use or not
            empty; something restored differs from what the backup says.
    """
    root, about = Path(settings.STORAGE_ROOT), read_about(folder)
    if about["storage"] and settings.STORAGE_BUCKET:
        raise StorageError(
            f"The backup holds the files of a storage and {settings.STORAGE_URL} is a bucket: restore it "
            f"with a folder as STORAGE_URL, then bring that into the bucket with `manage.py copy_storage`."
        )
    sums = read_sums(folder, about)
    require_known(about)
    require_room(root, about, replace)
    names = [name.removeprefix(f"{STORAGE}/") for name in sums if name != DUMP]
    require_same(folder / DUMP, sums[DUMP])
    if about["storage"]:
        say(f"Restoring {len(names)} files to {root}")
        for name in names:
            restore_file(folder / STORAGE / name, root / name, sums[f"{STORAGE}/{name}"])
    say("Restoring the database")
    database.restore(folder / DUMP, database.tables())
    require_rows(about)
    if about["storage"]:
        # What is later than the backup would be taken for the work of builds and revisions yet to come.
        clear_others(root, set(names))
        clear_unknown(root)
    return about


def require_known(about: dict[str, Any]) -> None:
    """Refuse the database of a later release.

    Raises:
        StorageError: with a migration that this release lacks.
    """
    known = set(MigrationLoader(None).disk_migrations or {})
    unknown = [name for name in map(tuple, about["migrations"]) if name not in known]
    if unknown:
        raise StorageError(
            f"The backup is of a later release: this one knows no migration {'.'.join(unknown[0])}."
        )


def require_room(root: Path, about: dict[str, Any], replace: bool) -> None:
    """Refuse a database or a storage that holds something, unless it may be replaced, or is in use.

    Raises:
        StorageError: with what to do.
    """
    if number := database.others():
        raise StorageError(f"The database is in use by {number} others: stop web server and workers first.")
    if replace:
        return
    if tables := database.tables():
        raise StorageError(
            f"The database has {len(tables)} tables: name an empty one, or say --replace to lose it all."
        )
    if about["storage"] and next(files.files_in(root), None):
        raise StorageError(
            f"The storage {root} is not empty: name an empty one, or say --replace to lose it all."
        )


def restore_file(source: Path, target: Path, digest: str) -> None:
    """Copy a file and read it again, unless it is there as it was.

    Raises:
        StorageError: it cannot be written, or has other bytes than it had.
    """
    if target.is_file() and files.sha256_of(target) == digest:
        return
    try:
        files.copy(source, target)
    except FileNotFoundError as error:
        raise StorageError(f"{source} is missing in the backup.") from error
    if files.sha256_of(target) != digest:
        target.unlink()
        require_same(source, digest)
        raise StorageError(f"{target} has other bytes than were written to it.")


def require_rows(about: dict[str, Any]) -> None:
    """Hold the tables against the number of rows that they had.

    Raises:
        StorageError: with the first that differs.
    """
    found = database.counts()
    for name, number in about["rows"].items():
        if found.get(name) != number:
            raise StorageError(f"Table {name} has {found.get(name)} rows and had {number}.")


def clear_others(root: Path, names: set[str]) -> None:
    """Remove the files of the storage that a backup does not name, and the map tiles that are kept."""
    for name in [name for name in files.files_in(root) if name not in names]:
        (root / name).unlink()
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and files.CACHE not in path.relative_to(root).parts and not any(path.iterdir()):
            path.rmdir()
    # Their addresses tell the number of an edition, which others will have.
    shutil.rmtree(settings.MAP_TILE_CACHE or root / files.CACHE / "map-tiles", ignore_errors=True)


def clear_unknown(root: Path) -> None:
    """Remove the folders of builds, revisions and deliveries that came after the dump: no row names them."""
    kinds = (Build, Revision, Delivery)
    known = {OF_NETWORKS}.union(*(kind.objects.values_list("folder", flat=True) for kind in kinds))
    for unit in units_in(root):
        if unit not in known:
            shutil.rmtree(root / unit)


def pending() -> list[str]:
    """The migrations that this release has and the restored database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def unsound() -> list[str]:
    """What rows name and is missing or damaged in the storage."""
    return [
        f"{made}: {', '.join(names)}"
        for campaign in Campaign.objects.order_by("slug")
        for _, made, names in damaged(campaign)
    ]
