"""A folder of SAFE products, Level-1C or Level-2A, as they are distributed."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from pipeline.catalog.acquisitions import Product
from pipeline.catalog.catalog import Catalog, Offer
from pipeline.catalog.radiometry import from_product
from pipeline.catalog.safe_metadata import (
    GranuleMetadata,
    ProductMetadata,
    read_checksums,
    read_granule,
    read_product,
)
from pipeline.catalog.scene import Asset, Scene
from pipeline.errors import SourceError
from pipeline.grid import Tile

DEPTH = 2
NAMES = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
TILE = re.compile(r"_T(\d{2}[A-Z]{3})(?=_|$)")


class SafeFolder(Catalog):
    """The SAFE products in a folder and in its folders; the address may also be one product."""

    def __init__(self, folder: Path, level: str) -> None:
        super().__init__(str(folder), level)
        self.folder = folder.resolve()

    def offers(self, tile: Tile, start: date, end: date) -> Iterator[Offer]:
        """The granules of the tile in all products; what cannot be read is told as rejected."""
        for product in sorted(products_in(self.folder, DEPTH)):
            granules = [path for path in _granules(product) if _tile_name(path, product) in (tile.name, None)]
            for granule in granules:
                yield product.stem, partial(read_safe, product, granule)
            if (
                not granules
                and _tile_name(product, product) in (tile.name, None)
                and not any(_granules(product))
            ):
                yield product.stem, partial(read_safe, product, product / "GRANULE")


def products_in(folder: Path, depth: int) -> Iterator[Path]:
    """The SAFE products at `folder` and down to `depth` folders below it."""
    if folder.suffix.upper() == ".SAFE":
        yield folder
    elif depth >= 0:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith("."):
                yield from products_in(entry, depth - 1)


def read_safe(product: Path, granule: Path | None = None) -> Product:
    """The scene of a SAFE product.

    Args:
        product: its folder, NAME.SAFE.
        granule: which of its granules; where None, its only one.

    Raises:
        SourceError: metadata or an image is missing or says what cannot be, with the product's name.
    """
    try:
        return _read(product, granule or _only_granule(product))
    except SourceError as error:
        raise SourceError(f"Product {product.name} cannot be used: {error}") from error


def _read(product: Path, granule: Path) -> Product:
    listed = [product / name for name in ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml") if (product / name).is_file()]
    if not listed:
        raise SourceError("It holds neither MTD_MSIL1C.xml nor MTD_MSIL2A.xml.")
    whole, part = read_product(listed[0]), read_granule(granule / "MTD_TL.xml")
    name = _tile_name(granule, product)
    if name is None:
        raise SourceError(f"The granule {granule.name} names no tile.")
    tile = Tile.parse(name)
    if part.epsg != tile.epsg:
        raise SourceError(
            f"Its projection EPSG:{part.epsg} is not that of its tile {name} (EPSG:{tile.epsg})."
        )
    return Product(_scene(product, granule, name, whole, part), part.strip_start, whole.created)


def _scene(product: Path, granule: Path, tile: str, whole: ProductMetadata, part: GranuleMetadata) -> Scene:
    checksums = read_checksums(product / "manifest.safe")
    return Scene(
        id=product.stem,
        tile=tile,
        datetime=part.sensed,
        level=whole.level,
        baseline=whole.baseline,
        datatake=whole.datatake,
        cloud_cover=whole.cloud_cover,
        assets={band: _asset(product, granule, band, whole, checksums) for band in NAMES},
        preview=_preview(granule),
        sun_azimuth=part.sun_azimuth,
        sun_elevation=part.sun_elevation,
    )


def _asset(
    product: Path, granule: Path, band: str, whole: ProductMetadata, checksums: Mapping[str, str]
) -> Asset:
    radiometry = from_product(whole.quantification, whole.add_offsets.get(band), whole.baseline, whole.nodata)
    path = _image(product, granule, NAMES[band], whole)
    checksum = checksums.get(path.relative_to(product).as_posix())
    return Asset(str(path), 1, radiometry.scale, radiometry.offset, radiometry.nodata, checksum)


def _image(product: Path, granule: Path, name: str, whole: ProductMetadata) -> Path:
    """The 10 m image of a band: the one that the metadata lists, else the one in the granule's folder."""
    endings = (f"_{name}", f"_{name}_10m")
    inside = f"GRANULE/{granule.name}/"
    listed = [image for image in whole.images if image.endswith(endings) and inside in f"/{image}"]
    found = [product / f"{image}.jp2" for image in listed] or [
        path for path in sorted((granule / "IMG_DATA").rglob("*.jp2")) if path.stem.endswith(endings)
    ]
    if not found or not found[0].is_file():
        raise SourceError(f"It lacks the image of band {name} at 10 m.")
    if not found[0].resolve().is_relative_to(product.resolve()):
        raise SourceError(f"Its image of band {name} lies outside the product: {found[0]}.")
    return found[0]


def _preview(granule: Path) -> str | None:
    return next((str(path) for path in sorted((granule / "QI_DATA").glob("*PVI*.jp2"))), None)


def _granules(product: Path) -> list[Path]:
    return sorted(path.parent for path in product.glob("GRANULE/*/MTD_TL.xml"))


def _only_granule(product: Path) -> Path:
    granules = _granules(product)
    if len(granules) != 1:
        raise SourceError(f"It has {len(granules)} granules with MTD_TL.xml; one was expected.")
    return granules[0]


def _tile_name(path: Path, product: Path) -> str | None:
    match = TILE.search(path.name.removesuffix(".SAFE")) or TILE.search(product.stem)
    return match[1] if match else None
