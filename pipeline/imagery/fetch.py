"""A scene made local and read onto the tile's grid (paper, 2.2)."""

import shutil
import time
from pathlib import Path
from typing import Any

from pipeline.catalog import download, scene_reader
from pipeline.catalog.scene import Scene
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.raster import BANDS, raster_writer, windows
from pipeline.settings import CampaignSettings

FETCH_WINDOW = 1024


def fetch(scene: Scene, tile: Tile, settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Write scenes/ID/reflectance.tif: the scene's stored reflectance on the tile's grid.

    Downloaded originals are removed once the file is whole. A scene that is there already is left as it is.

    Args:
        scene: with local paths or http(s) addresses.
        tile: whose grid it is read onto.
        settings: of the campaign.
        folder: of the build.

    Returns:
        "path", "bytes_fetched" (over the network) and "seconds".

    Raises:
        SourceError: the scene cannot be read (`TransientSourceError`: worth another try).
        StorageError: the disk is full.
    """
    started = time.monotonic()
    place = scene_folder(folder, scene.id)
    path, originals = place / "reflectance.tif", place / "source"
    fetched = 0
    if not path.exists():
        local = download(scene, originals)
        fetched = sum(file.stat().st_size for file in originals.rglob("*") if file.is_file())
        _write(local, tile, settings, path)
        shutil.rmtree(originals, ignore_errors=True)
    return {
        "path": str(path),
        "bytes_fetched": fetched,
        "seconds": round(time.monotonic() - started, 3),
    }


def _write(scene: Scene, tile: Tile, settings: CampaignSettings, path: Path) -> None:
    geobox = tile.geobox(settings.resolution)
    with (
        scene_reader(scene, geobox) as reader,
        raster_writer(path, geobox, 4, "uint16", nodata=0, descriptions=BANDS, reflectance=True) as out,
    ):
        for window in windows(geobox.shape.yx, FETCH_WINDOW):
            out.write(reader.read(window), window=window)
