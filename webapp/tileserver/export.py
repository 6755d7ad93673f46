"""An edition as one file that any static host or reader serves: PMTiles version 3, or MBTiles 1.3.

The map tiles are those of the server, byte for byte, from zoom 0 to the last zoom with detail of its own;
those without any data are left out, as both formats allow.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from pipeline.errors import UsageError
from pipeline.pyramid import lonlat_box
from pipeline.storage import whole_file
from webapp.tileserver import maptiles
from webapp.tileserver.addresses import View
from webapp.tileserver.describe import tilejson
from webapp.tileserver.layers import Layer
from webapp.tileserver.reader import MapTile
from webapp.tileserver.render import Format, empty_tile

KINDS = ("pmtiles", "mbtiles")
TYPES = {"png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}
ROWS_AT_ONCE = 500
SCALE = 10_000_000


def export(view: View, layer: Layer, fmt: Format, target: Path, scale: int = 1) -> int:
    """Write an edition.

    Args:
        view: the edition.
        layer: what to show.
        fmt: "png", "webp" or "jpg".
        target: the file, whose name ends in .pmtiles or .mbtiles; it appears when it is whole.
        scale: 2 for map tiles of 512 pixels.

    Returns:
        How many map tiles it holds.

    Raises:
        UsageError: the name ends otherwise.
        NotHere: the edition has no tiles.
        StorageError: the file cannot be written.
        rasterio.errors.RasterioIOError: a product cannot be read.
    """
    target = Path(target)
    kind = target.suffix.removeprefix(".")
    if kind not in KINDS:
        raise UsageError(f"The file must end in .pmtiles or .mbtiles, not {target.name}.", "out")
    about = tilejson(view, layer, "")
    write = _write_pmtiles if kind == "pmtiles" else _write_mbtiles
    with whole_file(target) as beside:
        return write(beside, tiles(view, layer, fmt, scale, about["maxzoom"]), about, fmt)


def tiles(view: View, layer: Layer, fmt: Format, scale: int, last: int) -> Iterator[tuple[MapTile, bytes]]:
    """Give all map tiles of a view that show something, zoom by zoom, in the order of PMTiles.

    A map tile is looked at only where the one above it shows something, so that sea and gaps cost nothing.
    """
    nothing = empty_tile(fmt, scale)
    here = [MapTile(0, 0, 0)]
    for zoom in range(last + 1):
        shown = []
        for tile in sorted(here, key=lambda tile: zxy_to_tileid(*tile)):
            if not view.coverage.reaches(lonlat_box(*tile)):
                continue
            picture = maptiles.find(view, layer, tile, fmt, scale).make()
            if picture != nothing:
                shown.append(tile)
                yield tile, picture
        here = [
            MapTile(zoom + 1, 2 * tile.x + right, 2 * tile.y + down)
            for tile in shown
            for right in (0, 1)
            for down in (0, 1)
        ]


def _write_pmtiles(path: Path, found: Iterator[tuple[MapTile, bytes]], about: dict, fmt: Format) -> int:
    west, south, east, north = about["bounds"]
    lon, lat, zoom = about["center"]
    count = 0
    with path.open("wb") as file:
        writer = Writer(file)
        for tile, picture in found:
            writer.write_tile(zxy_to_tileid(*tile), picture)
            count += 1
        header = {
            "tile_type": TYPES[fmt],
            "tile_compression": Compression.NONE,
            "min_zoom": about["minzoom"],
            "max_zoom": about["maxzoom"],
            "min_lon_e7": int(west * SCALE),
            "min_lat_e7": int(south * SCALE),
            "max_lon_e7": int(east * SCALE),
            "max_lat_e7": int(north * SCALE),
            "center_zoom": zoom,
            "center_lon_e7": int(lon * SCALE),
            "center_lat_e7": int(lat * SCALE),
        }
        words = {name: about[name] for name in ("name", "version", "attribution")} | {"type": "baselayer"}
        writer.finalize(header, words)
    return count


def _write_mbtiles(path: Path, found: Iterator[tuple[MapTile, bytes]], about: dict, fmt: Format) -> int:
    words = {
        "name": about["name"],
        "version": about["version"],
        "attribution": about["attribution"],
        "format": fmt,
        "type": "baselayer",
        "bounds": ",".join(map(str, about["bounds"])),
        "center": ",".join(map(str, about["center"])),
        "minzoom": str(about["minzoom"]),
        "maxzoom": str(about["maxzoom"]),
        "json": json.dumps({"scheme": "tms"}),
    }
    count = 0
    with suppress(FileNotFoundError):
        path.unlink()
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = OFF")
        base.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        base.execute(
            "CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)"
        )
        base.executemany("INSERT INTO metadata VALUES (?, ?)", words.items())
        for tile, picture in found:
            # Rows count from the south.
            row = 2**tile.z - 1 - tile.y
            base.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (tile.z, tile.x, row, picture))
            count += 1
            if count % ROWS_AT_ONCE == 0:
                base.commit()
        base.execute("CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)")
        base.commit()
    return count
