"""Tiny scenes with the names and metadata of the real ones."""

from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from shapely.geometry import mapping

from pipeline.catalog import Asset, Scene
from pipeline.grid import Tile
from pipeline.raster import BANDS

RESOLUTION = 600
SIDE = 183
NAMES = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}


def surface(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Reflectance x 10000 of a made-up surface, integers above 0, (4, side, side)."""
    return np.random.default_rng(seed).integers(100, 6000, (4, side, side)).astype(np.int32)


def write_band(
    path: Path, counts: np.ndarray, tile: str = "33TWL", resolution: float = RESOLUTION, **other
) -> Path:
    """One band as GeoTIFF or, by its suffix, lossless JPEG 2000 on the tile's grid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = Tile.parse(tile)
    options = {"driver": "GTiff", "nodata": 0}
    if path.suffix == ".jp2":
        options = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
    bands = counts if counts.ndim == 3 else counts[np.newaxis]
    options |= {
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": "uint16",
        "crs": f"EPSG:{place.epsg}",
        "transform": place.transform(resolution),
    } | other
    with rasterio.open(path, "w", **options) as dataset:
        dataset.write(bands.astype(options["dtype"]))
    return path


def write_bands(folder: Path, counts: np.ndarray, suffix: str = ".tif", **options) -> dict[str, Path]:
    """Four bands (R, G, B, NIR) under their B names."""
    paths = {band: folder / f"{NAMES[band]}{suffix}" for band in BANDS}
    for index, band in enumerate(BANDS):
        write_band(paths[band], counts[index], **options)
    return paths


def scene_of(paths: dict[str, Path], tile: str = "33TWL", **fields) -> Scene:
    """A scene of files whose DN are reflectance x 10000."""
    radiometry = {name: fields.pop(name) for name in ("scale", "offset", "nodata") if name in fields}
    fields = {
        "id": "S2A_33TWL_20230815_0_L2A",
        "tile": tile,
        "datetime": datetime.fromisoformat("2023-08-15T10:00:00+00:00"),
        "level": "L2A",
        "baseline": "05.09",
        "datatake": "GS2A_20230815T095031",
        "cloud_cover": 1.0,
    } | fields
    return Scene(assets={band: Asset(str(path), **radiometry) for band, path in paths.items()}, **fields)


def item(hrefs: dict[str, str], naming: str = "earth-search", **properties) -> dict:
    """A STAC item as Earth Search or Planetary Computer publishes it; a property that is None is left out."""
    tile = properties.pop("tile", "33TWL")
    day, number = properties.pop("day", "20230815"), properties.pop("number", 0)
    baseline = properties.get("s2:processing_baseline", "05.09")
    earth = naming == "earth-search"
    fields = {
        "datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T10:0{number}:00.000000Z",
        "eo:cloud_cover": 5.0,
        "s2:processing_baseline": baseline,
        "s2:product_type": "S2MSI2A",
        "s2:datatake_id": f"GS2A_{day}T095031_042547_N{baseline}",
        "s2:datastrip_id": f"S2A_OPER_MSI_L2A_DS_2APS_{day}T155057_S{day}T100{number}00_N{baseline}",
        "s2:generation_time": f"{day[:4]}-{day[4:6]}-{day[6:]}T15:50:57Z",
    }
    epsg = Tile.parse(tile).epsg
    if earth:
        fields |= {
            "grid:code": f"MGRS-{tile}",
            "proj:code": f"EPSG:{epsg}",
            "earthsearch:boa_offset_applied": True,
        }
    else:
        fields |= {"s2:mgrs_tile": tile, "proj:epsg": epsg}
    bands = {"raster:bands": [{"nodata": 0, "scale": 1e-4, "offset": -0.1}]} if earth else {}
    footprint = Tile.parse(tile).footprint
    names = {band: band if earth else NAMES[band] for band in BANDS}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": properties.pop("id", f"S2A_{tile}_{day}_{number}_L2A"),
        "collection": properties.pop("collection", "sentinel-2-l2a"),
        "properties": {key: value for key, value in (fields | properties).items() if value is not None},
        "geometry": mapping(footprint.geoms[0]),
        "bbox": list(footprint.bounds),
        "links": [],
        "assets": {names[band]: {"href": str(href), **bands} for band, href in hrefs.items()},
    }
