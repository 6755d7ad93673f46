"""Simulated scenes as SAFE products: folders, JPEG 2000 images, metadata."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.grid import Tile
from pipeline.simulate import safe_metadata
from pipeline.simulate.files import preview, to_jp2, write_preview
from pipeline.simulate.footprint import footprint
from pipeline.simulate.plan import Acquisition, stamp
from pipeline.simulate.world import World
from pipeline.storage import write_bytes

if TYPE_CHECKING:
    from pipeline.simulate.tile_season import Counts

_NAMES = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08"}


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
    """Write one scene as a SAFE folder; arguments as `stac.write`.

    The files keep their names (`_10m`) at any resolution; their grid says what it is.

    Returns:
        The product's name without `.SAFE`.
    """
    identity = a.product(tile.name)
    product = out / f"{identity}.SAFE"
    granule = f"GRANULE/{a.level}_T{tile.name}_A{a.absolute_orbit:06d}_{stamp(a.sensed)}"
    prefix = f"T{tile.name}_{stamp(a.start)}"
    images = {band: _image(granule, prefix, name, a.level) for band, name in _NAMES.items()}
    for band, image in images.items():
        to_jp2(bands[band], product / f"{image}.jp2")
    write_preview(
        preview(bands, tile, a), tile, product / granule / "QI_DATA" / f"{prefix}_PVI.jp2", "JP2OpenJPEG"
    )
    ring = footprint(world, tile, a.orbit)
    write_bytes(product / granule / "MTD_TL.xml", safe_metadata.granule(tile, resolution, a, counts, sun))
    whole = safe_metadata.product(tile, a, counts, list(images.values()), ring)
    write_bytes(product / f"MTD_MSI{a.level}.xml", whole)
    files = sorted(path for path in product.rglob("*") if path.is_file() and path.name != "manifest.safe")
    write_bytes(product / "manifest.safe", safe_metadata.manifest(product, files))
    return identity


def _image(granule: str, prefix: str, name: str, level: str) -> str:
    if level == "L1C":
        return f"{granule}/IMG_DATA/{prefix}_{name}"
    return f"{granule}/IMG_DATA/R10m/{prefix}_{name}_10m"
