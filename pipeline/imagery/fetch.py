"""A scene made local and read onto the tile's grid (paper, 2.2)."""

import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.being_read import being_read
from pipeline.catalog import Brought, Cache, Wanted, bring, bring_part, by_blocks, by_checksum, scene_reader
from pipeline.catalog.http import Http
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.imagery.needed import everywhere, needed
from pipeline.parallel import in_order
from pipeline.raster import reflectance_writer, windows
from pipeline.received import counted
from pipeline.settings import CampaignSettings
from pipeline.sketch import KEPT
from pipeline.storage import read_json, require_permit, write_bytes, write_json

FETCH_WINDOW = 1024
FETCHED = "fetched.json"


def fetch(
    scene: Scene,
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    before: Sequence[Scene] | None = None,
    *,
    surely: bool = False,
) -> dict[str, Any]:
    """Write scenes/ID/reflectance.tif, the scene's stored reflectance on the tile's grid, and fetched.json.

    Whole where `before` is None or the source cannot be read by blocks; else only in the blocks that
    `needed` tells, and empty elsewhere. Downloaded originals are removed once the file is whole. A scene that
    is there already and was fetched for the same is left as it is.

    Args:
        scene: with local paths or http(s) addresses.
        tile: whose grid it is read onto.
        settings: of the campaign.
        folder: of the build.
        before: the scenes before it in the composite, masked, where it serves the mosaic alone.
        surely: whether ground that those show in doubt is to be fetched as well.

    Returns:
        What fetched.json holds: "partial", "share" (of the blocks, 0..1), "bytes_fetched" (over the network),
        "bytes_of_scene" (what its remote files weigh), "after" (ids of `before`, null where it came whole);
        and "path", "seconds".

    Raises:
        SourceError: the scene cannot be read (`TransientSourceError`: worth another try).
        StorageError: the disk is full.
    """
    started = time.monotonic()
    place = scene_folder(folder, scene.id)
    after = [other.id for other in before] if before is not None and by_blocks(scene) else None
    if not is_fetched(scene, folder, after):
        with being_read(folder, scene.id):
            _fetch(scene, tile, settings, folder, before, after, surely=surely)
    # Also of a scene that is there: a process may have ended between writing it and this.
    require_permit()
    shutil.rmtree(place / "source", ignore_errors=True)
    seconds = round(time.monotonic() - started, 3)
    return fetched(scene, folder) | {"path": str(place / "reflectance.tif"), "seconds": seconds}


def _fetch(
    scene: Scene,
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    before: Sequence[Scene] | None,
    after: Sequence[str] | None,
    *,
    surely: bool,
) -> None:
    """Bring a scene that is not there, and write fetched.json and reflectance.tif."""
    place = scene_folder(folder, scene.id)
    _forget(place)
    wanted = needed(before or (), tile, settings, folder, surely=surely) if after is not None else None
    with counted(place) as http:
        brought = _bring(scene, tile, settings, place / "source", wanted, http)
    write_json(place / FETCHED, _figures(brought, after))
    try:
        _write(brought.scene, tile, settings, place / "reflectance.tif")
    except SourceError:
        # A file that was wrong when it came would count as whole for ever.
        require_permit()
        shutil.rmtree(place / "source", ignore_errors=True)
        raise


def fetched(scene: Scene, folder: Path) -> dict[str, Any]:
    """What fetched.json of a scene holds; that of a whole scene without any bytes where there is none."""
    path = scene_folder(folder, scene.id) / FETCHED
    whole = {"partial": False, "share": 1.0, "bytes_fetched": 0, "bytes_of_scene": 0, "after": None}
    return read_json(path) if path.exists() else whole


def is_fetched(scene: Scene, folder: Path, after: Sequence[str] | None) -> bool:
    """Whether a scene is there, whole or as it is needed after others.

    Args:
        scene: the scene.
        folder: of the build.
        after: ids of the scenes before it; None where it must be whole.
    """
    if not (scene_folder(folder, scene.id) / "reflectance.tif").exists():
        return False
    known = fetched(scene, folder)
    return not known["partial"] if after is None else not known["partial"] or known["after"] == list(after)


def _bring(
    scene: Scene, tile: Tile, settings: CampaignSettings, originals: Path, wanted: Wanted | None, http: Http
) -> Brought:
    """The scene with local bands; whole files only where each has a checksum, or they have no blocks."""
    cache = Cache.of_environment()
    if wanted is None and (by_checksum(scene) or not by_blocks(scene)):
        wanted_for = "whole"
    else:
        wanted = wanted or everywhere(tile)
        wanted_for = hashlib.sha256(wanted.cells.tobytes()).hexdigest()
    _begin(originals, wanted_for)
    if wanted is None:
        return bring(scene, originals, http, cache)
    return bring_part(scene, wanted, tile.geobox(settings.resolution), originals, http, cache)


def _begin(originals: Path, wanted_for: str) -> None:
    """Keep what an interrupted fetch left only if it was for the same."""
    note = originals / "wanted"
    require_permit()
    if originals.exists() and (not note.exists() or note.read_text() != wanted_for):
        shutil.rmtree(originals)
    write_bytes(note, wanted_for.encode())


def _figures(brought: Brought, after: Sequence[str] | None) -> dict[str, Any]:
    return {
        "partial": brought.share < 1,
        "share": round(brought.share, 6),
        "bytes_fetched": brought.fetched,
        "bytes_of_scene": brought.weight,
        "after": after,
    }


def _forget(place: Path) -> None:
    """Remove what was made of a scene that is to be fetched anew."""
    require_permit()
    for path in (*place.glob("*.tif"), place / KEPT):
        path.unlink(missing_ok=True)
    (place / FETCHED).unlink(missing_ok=True)


def _write(scene: Scene, tile: Tile, settings: CampaignSettings, path: Path) -> None:
    geobox = tile.geobox(settings.resolution)
    with (
        scene_reader(scene, geobox) as reader,
        reflectance_writer(path, geobox) as out,
    ):
        for window, stored in in_order(reader.read, windows(geobox.shape.yx, FETCH_WINDOW)):
            out.write(stored, window=window)
