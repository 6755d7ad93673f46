"""A delivery as a static STAC collection with one item a tile, or one for the area."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import pystac
import shapely
from odc.geo.geobox import GeoBox
from pyproj import CRS
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from pipeline.delivery.papers import attribution
from pipeline.landcover.classes import CLASSES, NO_DATA
from pipeline.storage import write_json

MEDIA = {
    ".tif": pystac.MediaType.COG,
    ".png": pystac.MediaType.PNG,
    ".gpkg": pystac.MediaType.GEOPACKAGE,
}


def write_collection(
    folder: Path,
    name: str,
    groups: Mapping[str, tuple[GeoBox, BaseGeometry, Sequence[Path]]],
    days: Sequence[date],
    sums: Mapping[str, str],
) -> list[Path]:
    """Write collection.json and an item for each group of files.

    Args:
        folder: of the delivery.
        name: id of the collection.
        groups: by the item's name, its grid, its ground in longitude and latitude, and its files.
        days: of the scenes used.
        sums: sha256 by file.
    """
    first, last = _span(days)
    whole = shapely.union_all([ground for _, ground, _ in groups.values()])
    collection = pystac.Collection(
        name,
        f"Cloud-free Sentinel-2 mosaic and landcover of an area; {attribution(days)}.",
        pystac.Extent(pystac.SpatialExtent([list(whole.bounds)]), pystac.TemporalExtent([[first, last]])),
        license="other",
        providers=[pystac.Provider("European Union, ESA", roles=[pystac.ProviderRole.LICENSOR])],
    )
    collection.add_link(pystac.Link("license", "./LICENCE.txt", "text/plain"))
    written = []
    for key, (geobox, ground, files) in groups.items():
        item = _item(f"{name}-{key}", geobox, ground, (first, last))
        item.collection_id = name
        for file in files:
            _add_asset(item, folder, file, sums)
        path = folder / f"{key}.item.json"
        item.links = [
            pystac.Link(rel, "./collection.json", pystac.MediaType.JSON)
            for rel in ("root", "parent", "collection")
        ]
        write_json(path, item.to_dict(include_self_link=False, transform_hrefs=False))
        collection.add_link(pystac.Link("item", f"./{path.name}", pystac.MediaType.GEOJSON))
        written.append(path)
    collection.remove_links("root")
    path = folder / "collection.json"
    write_json(path, collection.to_dict(include_self_link=False, transform_hrefs=False))
    return [path, *written]


def _item(name: str, geobox: GeoBox, ground: BaseGeometry, span: tuple[datetime, datetime]) -> pystac.Item:
    item = pystac.Item(
        name,
        mapping(ground),
        list(ground.bounds),
        None,
        {"constellation": "sentinel-2"},
        start_datetime=span[0],
        end_datetime=span[1],
    )
    crs = CRS.from_user_input(str(geobox.crs))
    epsg = crs.to_epsg()
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=f"EPSG:{epsg}" if epsg else None,
        wkt2=None if epsg else crs.to_wkt(),
        shape=[int(size) for size in geobox.shape],
        transform=[float(value) for value in geobox.affine[:6]],
    )
    return item


def _add_asset(item: pystac.Item, folder: Path, file: Path, sums: Mapping[str, str]) -> None:
    if file.suffix not in MEDIA:
        return
    key = "vectors" if file.suffix == ".gpkg" else file.stem.split(".")[-1]
    asset = pystac.Asset(f"./{file.name}", key.capitalize(), media_type=MEDIA[file.suffix], roles=["data"])
    item.add_asset(key, asset)
    # A multihash: the code of sha2-256, the length, the sum.
    FileExtension.ext(asset, add_if_missing=True).apply(
        size=file.stat().st_size, checksum=f"1220{sums[file.relative_to(folder).as_posix()]}"
    )
    if key == "landcover":
        classes = [
            Classification.create(
                value=one.code,
                name=one.name.replace(" ", "_"),
                description=one.name,
                color_hint=one.colour[1:].upper(),
            )
            for one in CLASSES
        ]
        nothing = Classification.create(value=NO_DATA, name="no_data", description="no data", nodata=True)
        ClassificationExtension.ext(asset, add_if_missing=True).classes = [nothing, *classes]


def _span(days: Sequence[date]) -> tuple[datetime, datetime]:
    if not days:
        return datetime(2015, 6, 23, tzinfo=UTC), datetime.now(UTC)
    return datetime.combine(days[0], time.min, UTC), datetime.combine(days[-1], time.max, UTC)
