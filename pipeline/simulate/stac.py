"""Simulated scenes as a static STAC catalog with COG files, named as Earth Search names them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.grid import PREVIEW_PIXELS, Tile
from pipeline.simulate.files import preview, to_cog, write_preview
from pipeline.simulate.footprint import footprint
from pipeline.simulate.plan import QUANTIFICATION, Acquisition, stamp
from pipeline.simulate.world import World
from pipeline.storage import write_json

if TYPE_CHECKING:
    from pipeline.simulate.tile_season import Counts

_VERSION = "1.0.0"
_EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
]
# Of a multihash: the algorithm, and the length of what follows.
_SHA256 = "1220"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
# Sentinel-2 name, centre and width in micrometres.
_BANDS = {
    "red": ("B04", 0.665, 0.038),
    "green": ("B03", 0.56, 0.045),
    "blue": ("B02", 0.49, 0.098),
    "nir": ("B08", 0.842, 0.145),
}


def write(
    world: World,
    tile: Tile,
    resolution: float,
    a: Acquisition,
    bands: dict[str, Path],
    counts: Counts,
    sun: tuple[float, float],
    out: Path,
) -> str:
    """Write one scene as an item with its files.

    Args:
        world: the earth.
        tile: the tile.
        resolution: metres.
        a: the acquisition.
        bands: work files with DN, by band name.
        counts: the scene's pixels by truth.
        sun: azimuth and elevation, degrees.
        out: folder of the catalog.

    Returns:
        The item's id, which is also the name of its folder.
    """
    identity = a.item(tile.name)
    folder = out / identity
    for band, work in bands.items():
        to_cog(work, folder / f"{_BANDS[band][0]}.tif")
    write_preview(preview(bands, tile, a), tile, folder / "thumbnail.tif", "COG")
    ring = footprint(world, tile, a.orbit)
    content = {
        "type": "Feature",
        "stac_version": _VERSION,
        "stac_extensions": _EXTENSIONS,
        "id": identity,
        "collection": f"sentinel-2-{a.level.lower()}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [
            min(x for x, _ in ring),
            min(y for _, y in ring),
            max(x for x, _ in ring),
            max(y for _, y in ring),
        ],
        "properties": _properties(tile, a, counts, sun),
        "assets": _assets(tile, resolution, a, folder / "thumbnail.tif"),
        "links": [
            {"rel": "root", "href": "../catalog.json", "type": "application/json"},
            {"rel": "parent", "href": "../catalog.json", "type": "application/json"},
        ],
    }
    write_json(folder / f"{identity}.json", content)
    return identity


def write_catalog(out: Path, level: str, ids: list[str]) -> Path:
    """Write `catalog.json` that links to the items; its path."""
    links = [{"rel": "root", "href": "./catalog.json", "type": "application/json"}]
    links += [{"rel": "item", "href": f"./{i}/{i}.json", "type": "application/geo+json"} for i in ids]
    content = {
        "type": "Catalog",
        "stac_version": _VERSION,
        "id": f"sentinel-2-{level.lower()}",
        "description": "Simulated scenes of a made-up surface; truth/ beside this file says what is true",
        "links": links,
    }
    write_json(out / "catalog.json", content)
    return out / "catalog.json"


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _properties(tile: Tile, a: Acquisition, counts: Counts, sun: tuple[float, float]) -> dict[str, Any]:
    return {
        "created": _time(a.processed),
        "updated": _time(a.processed),
        "datetime": _time(a.sensed),
        "platform": f"sentinel-2{a.spacecraft[-1].lower()}",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": round(counts.percent("cloud"), 4),
        "proj:epsg": tile.epsg,
        "proj:code": f"EPSG:{tile.epsg}",
        "grid:code": f"MGRS-{tile.name}",
        "mgrs:utm_zone": tile.zone,
        "mgrs:latitude_band": tile.band,
        "mgrs:grid_square": tile.name[-2:],
        "view:sun_azimuth": round(sun[0], 6),
        "view:sun_elevation": round(sun[1], 6),
        "sat:relative_orbit": a.relative_orbit,
        "s2:nodata_pixel_percentage": round(counts.percent("empty"), 4),
        "s2:cloud_shadow_percentage": round(counts.percent("shadow"), 4),
        "s2:product_type": "S2MSI2A" if a.level == "L2A" else "S2MSI1C",
        "s2:processing_baseline": a.baseline,
        "s2:product_uri": f"{a.product(tile.name)}.SAFE",
        "s2:generation_time": _time(a.processed),
        "s2:datatake_id": a.datatake,
        "s2:datatake_type": "INS-NOBS",
        "s2:datastrip_id": datastrip(a),
        "earthsearch:boa_offset_applied": False,
    }


def datastrip(a: Acquisition) -> str:
    """Id of the datastrip of an acquisition."""
    level = a.level.replace("L", "")
    return f"{a.spacecraft}_OPER_MSI_L{level}_DS_2APS_{stamp(a.processed)}_S{stamp(a.sensed)}_N{a.baseline}"


def _assets(tile: Tile, resolution: float, a: Acquisition, thumbnail: Path) -> dict[str, Any]:
    box = tile.geobox(resolution)
    place = {"proj:shape": list(box.shape), "proj:transform": list(box.affine)[:6]}
    values = {
        "nodata": 0,
        "data_type": "uint16",
        "bits_per_sample": 16,
        "spatial_resolution": resolution,
        "scale": 1 / QUANTIFICATION,
        "offset": a.add_offset / QUANTIFICATION,
    }
    found: dict[str, Any] = {}
    for band, (name, centre, width) in _BANDS.items():
        spectral = {
            "name": band,
            "common_name": band,
            "center_wavelength": centre,
            "full_width_half_max": width,
        }
        found[band] = {
            "href": f"./{name}.tif",
            "type": _COG,
            "title": f"{band.capitalize()} ({name})",
            "roles": ["data", "reflectance"],
            "gsd": resolution,
            "eo:bands": [spectral],
            "raster:bands": [values],
            **place,
        }
    found["thumbnail"] = {
        "href": "./thumbnail.tif",
        "type": _COG,
        "title": "Preview",
        "roles": ["thumbnail"],
        "file:checksum": f"{_SHA256}{hashlib.sha256(thumbnail.read_bytes()).hexdigest()}",
        "proj:shape": [PREVIEW_PIXELS, PREVIEW_PIXELS],
        "proj:transform": list(tile.preview_geobox().affine)[:6],
    }
    return found
