"""What a delivery changed since the one before it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.delivery.source import TileSource
from pipeline.difference import difference
from pipeline.errors import SourceError, StorageError
from pipeline.storage import read_json

MANIFEST = "delivery.json"


def changes_since(before: tuple[Path, Mapping[str, Path]], sources: Sequence[TileSource]) -> dict[str, Any]:
    """Compare the tiles of a delivery with those of the one that it replaces.

    Args:
        before: the folder of that delivery, and the folders of the revisions that it was made of, by tile.
        sources: the tiles now.

    Returns:
        "tiles" (by name: revision before and after; of whole tiles the shares of pixels that moved and of
        those whose class is another, and hectares of the largest patch of these, where the old files are
        still there), "added", "removed", "unchanged" (names) and "told" (sentences).
    """
    folder, old_folders = before
    try:
        old = {name: one["revision"] for name, one in read_json(folder / MANIFEST)["tiles"].items()}
    except StorageError:
        old = {}
    new = {one.name: one for one in sources}
    both = sorted(old.keys() & new.keys())
    changed = {
        name: _change(old[name], new[name], old_folders.get(name))
        for name in both
        if old[name] != new[name].revision
    }
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    return {
        "tiles": changed,
        "added": added,
        "removed": removed,
        "unchanged": [name for name in both if name not in changed],
        "told": _told(changed, added, removed),
    }


def _change(before: int, source: TileSource, folder: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {"before": before, "after": source.revision}
    if folder is None:
        return found
    try:
        figures = difference(folder, source.folder).to_json()
    except SourceError:
        return found
    return found | {name: figures[name] for name in ("moved", "reclassed", "patch")}


def _told(
    changed: Mapping[str, Mapping[str, Any]], added: Sequence[str], removed: Sequence[str]
) -> list[str]:
    told = []
    for name, one in changed.items():
        text = f"{name} is revision {one['after']} in place of {one['before']}"
        if "moved" in one:
            moved, reclassed = 100 * one["moved"], 100 * one["reclassed"]
            text += f": {moved:.2f} % of the pixels look different, {reclassed:.2f} % have another class"
        told.append(f"{text}.")
    told += [f"{name} is new." for name in added]
    told += [f"{name} is no longer in it." for name in removed]
    return told or ["No tile has changed."]
