"""Making a delivery: every file of it in one folder, and a manifest of what they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from pipeline.delivery import rasters
from pipeline.delivery.changes import changes_since
from pipeline.delivery.collection import write_collection
from pipeline.delivery.grid import grid_of, in_crs
from pipeline.delivery.legend import write_legends
from pipeline.delivery.options import RASTERS, VECTORS, DeliveryOptions
from pipeline.delivery.papers import (
    attribution,
    figures_of,
    write_left_out,
    write_licence,
    write_scenes,
    write_sums,
)
from pipeline.delivery.pictures import write_picture
from pipeline.delivery.sheet import write_sheet
from pipeline.delivery.source import SceneNumbers, TileSource
from pipeline.delivery.vectors import write_polygons
from pipeline.errors import UsageError
from pipeline.storage import read_json, require_space, write_json

MANIFEST = "delivery.json"
LEFT_OUT = "left_out.csv"
BYTES_PER_PIXEL = 3
# Missing tiles that the sheet tells of with the reason, and further ones by name.
NOTED, NAMED = 4, 40
Told = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """A delivery to be made.

    Attributes:
        name: of the delivery, for titles and ids.
        area: polygons in longitude and latitude.
        sources: the tiles.
        options: what is asked for.
        left_out: why other tiles of the order are not in it, by name.
        before: the folder of the delivery that this one replaces, if any, and its revisions' folders by tile.
        accuracy: sentences on measured accuracy.
        terms: the operator's own, for the licence.
    """

    name: str
    area: BaseGeometry
    sources: Sequence[TileSource]
    options: DeliveryOptions
    left_out: Mapping[str, str] = field(default_factory=dict)
    before: tuple[Path, Mapping[str, Path]] | None = None
    accuracy: Sequence[str] = ()
    terms: str = ""


@dataclass(frozen=True)
class Group:
    """Files on one grid: of a tile, or of the whole area."""

    key: str
    sources: Sequence[TileSource]
    geobox: GeoBox
    ground: BaseGeometry


def deliver(request: Request, folder: Path, tell: Told = lambda text: None) -> dict[str, Any]:
    """Make all files of a delivery.

    Args:
        request: what is asked for.
        folder: where they go; emptied by the caller.
        tell: gets a sentence at each step.

    Returns:
        The manifest, also written as delivery.json.

    Raises:
        UsageError: nothing can be delivered, or not in this way.
        SourceError: a product is missing or broken.
        StorageError: the disk is full.
    """
    if not request.sources:
        reasons = " ".join(f"{name}: {why}" for name, why in sorted(request.left_out.items()))
        raise UsageError(f"No tile of the order can be delivered. {reasons}".strip(), "order")
    numbers = SceneNumbers.of(request.sources)
    groups = list(_groups(request))
    pixels = sum(one.geobox.shape[0] * one.geobox.shape[1] for one in groups)
    require_space(folder, pixels * BYTES_PER_PIXEL)
    files: dict[str, list[Path]] = {}
    for number, group in enumerate(groups, 1):
        tell(f"{group.key} ({number} of {len(groups)})")
        files[group.key] = _write_group(request, group, folder, numbers)
    tell("papers")
    figures = figures_of(_kept(folder, "mosaic"), _kept(folder, "landcover"))
    manifest = _manifest(request, numbers, figures)
    if request.before:
        manifest["changes"] = changes_since(request.before, request.sources)
    papers = _write_papers(request, folder, numbers, manifest)
    dropped = _drop_work(folder, request.options)
    files = {key: [path for path in paths if path not in dropped] for key, paths in files.items()}
    written = [path for paths in files.values() for path in paths]
    sums = write_sums(folder, [*written, *papers])
    items = {one.key: (one.geobox, one.ground, files[one.key]) for one in groups}
    described = write_collection(folder, request.name, items, numbers.days, sums)
    manifest["files"] = _listed(folder, write_sums(folder, [*written, *papers, *described]))
    write_json(folder / MANIFEST, manifest)
    return manifest


def _groups(request: Request) -> list[Group]:
    """The grids of the delivery: one a tile that has ground in the area, or one."""
    found = []
    parts: list[tuple[str, Sequence[TileSource]]] = (
        [(source.name, [source]) for source in request.sources]
        if request.options.per_tile
        else [("area", list(request.sources))]
    )
    for key, sources in parts:
        on_tiles = shapely.union_all([one.tile.footprint for one in sources])
        ground = request.area.intersection(on_tiles)
        if ground.area > 0:
            found.append(Group(key, sources, grid_of(sources, request.area, request.options.crs), ground))
    if not found:
        raise UsageError("No tile of the delivery has ground in the area.", "aoi")
    return found


def _write_group(request: Request, group: Group, folder: Path, numbers: SceneNumbers) -> list[Path]:
    options, written = request.options, []
    crs = _crs_of(group.geobox)
    area = in_crs(request.area, crs)
    layers = [name for name in RASTERS if name in options.layers]
    if VECTORS in options.layers and "landcover" not in layers:
        layers.append("landcover")
    for name in layers:
        path = folder / f"{group.key}.{name}.tif"
        _write_raster(path, name, group, area, numbers, options.mapping_unit)
        if name == "landcover" and VECTORS in options.layers:
            polygons = folder / f"{group.key}.landcover.gpkg"
            write_polygons(path, polygons)
            written.append(polygons)
        if options.format == "png" and name in options.layers:
            written += write_picture(path, folder / f"{group.key}.{name}.png")
        written.append(path)
    return written


def _write_raster(
    path: Path, name: str, group: Group, area: BaseGeometry, numbers: SceneNumbers, hectares: float
) -> None:
    layer = rasters.LAYERS[name]
    if name != "landcover" or not hectares:
        rasters.write_layer(path, layer, group.sources, group.geobox, area, numbers)
        return
    whole = path.with_suffix(".whole.tif")
    rasters.write_layer(whole, layer, group.sources, group.geobox, None, numbers, cog=False)
    rasters.sieved(whole, path, group.geobox, area, hectares)
    whole.unlink()


def _crs_of(geobox: GeoBox) -> CRS:
    return CRS.from_user_input(str(geobox.crs))


def _kept(folder: Path, layer: str) -> list[Path]:
    return sorted(folder.glob(f"*.{layer}.tif"))


def _drop_work(folder: Path, options: DeliveryOptions) -> list[Path]:
    """Remove the rasters that were made on the way and are not delivered; gives them."""
    named = {name for name in RASTERS if options.format == "cog" and name in options.layers}
    dropped = [path for path in folder.glob("*.tif") if path.stem.split(".")[-1] not in named]
    for path in dropped:
        path.unlink()
    return dropped


def _manifest(request: Request, numbers: SceneNumbers, figures: dict[str, Any]) -> dict[str, Any]:
    days = numbers.days
    return {
        "name": request.name,
        "options": request.options.to_json(),
        "attribution": attribution(days),
        "first_day": days[0].isoformat() if days else None,
        "last_day": days[-1].isoformat() if days else None,
        "tiles": {one.name: {"revision": one.revision, "review": one.review} for one in request.sources},
        "left_out": dict(request.left_out),
        "figures": figures,
        "accuracy": list(request.accuracy),
    }


def _write_papers(
    request: Request, folder: Path, numbers: SceneNumbers, manifest: dict[str, Any]
) -> list[Path]:
    papers = [folder / "LICENCE.txt", folder / "delivery.pdf"]
    write_licence(papers[0], numbers.days, request.terms)
    picture = next(iter(_kept(folder, "mosaic") or _kept(folder, "landcover")), None)
    rows = _rows(request, manifest)
    notes = list(request.accuracy) or ["The accuracy of this landcover has not been measured on a sample."]
    classes = manifest["figures"].get("classes", {})
    write_sheet(
        papers[1],
        request.name,
        picture,
        rows,
        classes,
        numbers.days,
        [*_missing_notes(request), *notes, *_change_notes(manifest)],
    )
    if {"landcover", VECTORS} & set(request.options.layers):
        papers += write_legends(folder)
    if "provenance" in request.options.layers:
        papers.append(folder / "scenes.csv")
        write_scenes(papers[-1], numbers)
    if request.left_out:
        papers.append(folder / LEFT_OUT)
        write_left_out(papers[-1], request.left_out)
    if "changes" in manifest:
        papers.append(folder / "changes.json")
        write_json(papers[-1], manifest["changes"])
    return papers


def _rows(request: Request, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    options = request.options
    names = [
        f"{name} (revision {one['revision']}, {one['review']})" for name, one in manifest["tiles"].items()
    ]
    shown = manifest["figures"].get("shown_km2")
    rows = [
        ("Tiles", ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")),
        ("Scenes", f"{manifest['first_day'] or '?'} to {manifest['last_day'] or '?'}"),
        ("Layers", ", ".join(options.layers)),
        ("Projection", options.projection),
    ]
    if shown is not None:
        rows.append(("Ground shown", f"{shown:,.2f} km2"))
    if options.mapping_unit:
        rows.append(("Smallest mapping unit", f"{options.mapping_unit:g} ha"))
    return rows


def _missing_notes(request: Request) -> list[str]:
    """Which tiles of the order are missing: the first ones with the reason, of the others the names."""
    if not request.left_out:
        return []
    rows = sorted(request.left_out.items())
    told = "; ".join(f"{name}: {why.rstrip('.')}" for name, why in rows[:NOTED])
    others = [name for name, _ in rows[NOTED:]]
    more = f"; {', '.join(others[:NAMED])}" if others else ""
    rest = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    count = f"{len(rows)} of the {len(rows) + len(request.sources)} tiles of the order"
    return [f"Incomplete: {count} are not in this delivery ({LEFT_OUT}): {told}{more}{rest}."]


def _change_notes(manifest: dict[str, Any]) -> list[str]:
    return [
        f"Changed since the delivery before: {text}"
        for text in manifest.get("changes", {}).get("told", [])[:3]
    ]


def _listed(folder: Path, sums: Mapping[str, str]) -> list[dict[str, Any]]:
    named = [*sums, "SHA256SUMS"]
    return [
        {"name": name, "bytes": (folder / name).stat().st_size, "sha256": sums.get(name, "")}
        for name in named
    ]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a delivery that was made.

    Raises:
        StorageError: it is gone.
    """
    found: dict[str, Any] = read_json(folder / MANIFEST)
    return found
