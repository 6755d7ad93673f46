"""A build that differs from an earlier one of its tile in the corrected classes alone takes over the rest."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.build import WORK, Build
from pipeline.drawn import DRAWN, keep_drawn, split_drawn
from pipeline.grid import Tile
from pipeline.inputs import contributor_names
from pipeline.storage import read_json, whole_file, write_json
from pipeline.web_copy import path_of

MADE_ANEW = frozenset({"probabilities.tif", "report.json", DRAWN, WORK})
OF_THE_MOSAIC = ("composite.tif", "balance.npz", "fill.tif")
# Figures of the earlier build's steps that are not this one's.
NOT_TAKEN = ("seconds", "peak_memory_mib", "landcover", "error")
TAKEN_FROM = "taken_from"


def can_take_over(earlier: Build) -> bool:
    """Whether all files are there from which the classes of an earlier build can be pooled again."""
    names = ("scene_list.json", "candidates.json", "composite.tif", "provenance.tif", "balance.npz", WORK)
    if not all((earlier.folder / name).exists() for name in names):
        return False
    places = [earlier.folder / "scenes" / scene.id for scene in earlier.series()]
    return all((place / name).exists() for place in places for name in ("probabilities.tif", "cloud.tif"))


def take_over(build: Build, earlier: Build, overrides: Mapping[str, Any]) -> None:
    """Give a build all that an earlier one of its tile has up to the classes of each date.

    Files are linked where the storage can, for none is ever changed in place.

    Args:
        build: to be given; what is there already is left alone.
        earlier: see `can_take_over`.
        overrides: what was asked of the build, see `chain.make_scene_list`.

    Raises:
        UsageError: what was drawn cannot be used.
        StorageError: a file cannot be linked or copied.
    """
    link_files(earlier.folder, build.folder)
    notes = {name: value for name, value in earlier.notes().items() if name not in NOT_TAKEN}
    write_json(build.folder / WORK, notes | {TAKEN_FROM: earlier.folder.name})
    keep_drawn(build.folder, split_drawn(overrides)[1])


def link_files(source: Path, target: Path) -> None:
    """Link all files of a build's folder, or copy them, but those that are made anew."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and str(name) not in MADE_ANEW and not path.name.startswith("."):
            link(path, target / name)


def link(source: Path, target: Path) -> None:
    """Make a file appear under a second name, by a hard link where the storage has them.

    Raises:
        StorageError: it cannot be done.
    """
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    except OSError:
        with whole_file(target) as beside:
            shutil.copyfile(source, beside)


def keep_mosaic(build: Build, earlier: Path) -> dict[str, Any]:
    """Stage 3 with the neighbours where an earlier revision shows the same mosaic: gives its figures."""
    with build.step("blend"):
        for name in ("mosaic.tif", path_of(Path(), "mosaic.tif")):
            if (earlier / name).exists():
                link(earlier / name, build.folder / name)
        blended: dict[str, Any] = read_json(earlier / "report.json")["mosaic"]
        build.note(blended=blended)
    return blended


def same_composites(tile: Tile, builds: Mapping[str, Path], earlier: Mapping[str, Path]) -> bool:
    """Whether two sets of builds show the same composites, fills and cells in a tile's mosaic."""
    names = contributor_names(tile, builds)
    return names == contributor_names(tile, earlier) and all(
        _same(Path(builds[name]) / product, Path(earlier[name]) / product)
        for name in names
        for product in OF_THE_MOSAIC
    )


def _same(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return one.exists() == other.exists()
    return os.path.samefile(one, other) or _digest(one) == _digest(other)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
