"""The STAC item of a revision, with the projection, raster and classification extensions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pystac
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension
from shapely.geometry import MultiPolygon, mapping

from pipeline.grid import Tile
from pipeline.landcover.classes import CLASSES, NO_CONFIDENCE, NO_DATA
from pipeline.raster import BANDS
from pipeline.settings import CampaignSettings
from pipeline.storage import write_json


def write_item(
    folder: Path,
    tile: Tile,
    settings: CampaignSettings,
    report: Mapping[str, Any],
    datetimes: Sequence[datetime],
) -> pystac.Item:
    """Write item.json beside a revision's products.

    Args:
        folder: of the revision.
        tile: its tile.
        settings: of the campaign.
        report: of the revision; coverage, residual cloud, seam score, models and what shows older dates in
            holes are taken from it.
        datetimes: of the scenes used; the item spans them (the campaign's range where there are none), but
            not the older dates.

    Returns:
        The item; its links to assets are relative.
    """
    item = make_item(tile, settings, report, datetimes)
    write_json(Path(folder) / "item.json", item.to_dict(include_self_link=False, transform_hrefs=False))
    return item


def make_item(
    tile: Tile, settings: CampaignSettings, report: Mapping[str, Any], datetimes: Sequence[datetime]
) -> pystac.Item:
    """The item without writing it; see `write_item`."""
    footprint = tile.footprint if len(tile.footprint.geoms) > 1 else tile.footprint.geoms[0]
    start, end = _span(settings, datetimes)
    item = pystac.Item(
        id=f"{tile.name}_{settings.start:%Y%m%d}_{settings.end:%Y%m%d}",
        geometry=mapping(footprint),
        bbox=_bbox(tile.footprint),
        datetime=None,
        start_datetime=start,
        end_datetime=end,
        properties=_properties(settings, report),
    )
    _add_projection(item, tile, settings)
    _add_mosaic(item, settings)
    _add_landcover(item, settings)
    item.add_asset("report", pystac.Asset("report.json", "Figures of the run", media_type="application/json"))
    return item


def _properties(settings: CampaignSettings, report: Mapping[str, Any]) -> dict[str, Any]:
    figures = ("coverage", "residual_cloud", "seam_score", "models", "inputs", "fill")
    found = {f"earthquilt:{name}": report[name] for name in figures if name in report}
    return {
        "gsd": settings.resolution,
        "constellation": "sentinel-2",
        "processing:level": settings.level,
        **found,
    }


def _add_projection(item: pystac.Item, tile: Tile, settings: CampaignSettings) -> None:
    geobox = tile.geobox(settings.resolution)
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=f"EPSG:{tile.epsg}",
        bbox=[float(value) for value in tile.bounds],
        shape=[int(size) for size in geobox.shape],
        transform=[float(value) for value in geobox.affine[:6]],
    )


def _add_mosaic(item: pystac.Item, settings: CampaignSettings) -> None:
    asset = pystac.Asset(
        "mosaic.tif", "Mosaic (R, G, B, NIR)", media_type=pystac.MediaType.COG, roles=["data"]
    )
    item.add_asset("mosaic", asset)
    RasterExtension.ext(asset, add_if_missing=True).bands = [_band(0, settings) for _ in BANDS]


def _add_landcover(item: pystac.Item, settings: CampaignSettings) -> None:
    for name, title, nodata in (
        ("landcover", "Landcover", NO_DATA),
        ("confidence", "Confidence of the landcover, percent", NO_CONFIDENCE),
    ):
        asset = pystac.Asset(f"{name}.tif", title, media_type=pystac.MediaType.COG, roles=["data"])
        item.add_asset(name, asset)
        RasterExtension.ext(asset, add_if_missing=True).bands = [
            RasterBand.create(nodata=nodata, data_type=DataType.UINT8, spatial_resolution=settings.resolution)
        ]
    classes = [
        Classification.create(
            value=kind.code,
            name=kind.name.replace(" ", "_"),
            title=kind.name,
            description=kind.name,
            color_hint=kind.colour[1:].upper(),
        )
        for kind in CLASSES
    ]
    nothing = Classification.create(value=NO_DATA, name="no_data", description="no data", nodata=True)
    ClassificationExtension.ext(item.assets["landcover"], add_if_missing=True).classes = [nothing, *classes]


def _band(nodata: int, settings: CampaignSettings) -> RasterBand:
    return RasterBand.create(
        nodata=nodata, data_type=DataType.UINT8, spatial_resolution=float(settings.resolution)
    )


def _span(settings: CampaignSettings, datetimes: Sequence[datetime]) -> tuple[datetime, datetime]:
    if datetimes:
        return min(datetimes), max(datetimes)
    first = datetime.combine(settings.start, time.min, UTC)
    return first, datetime.combine(settings.end, time.max, UTC)


def _bbox(footprint: MultiPolygon) -> list[float]:
    """West, south, east, north; over the antimeridian west is the larger number."""
    if len(footprint.geoms) == 1:
        return list(footprint.bounds)
    east_part, west_part = footprint.geoms
    south, north = footprint.bounds[1], footprint.bounds[3]
    return [east_part.bounds[0], south, west_part.bounds[2], north]
