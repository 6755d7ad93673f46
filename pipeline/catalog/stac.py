"""From a STAC item to a `Scene`: the asset names of Earth Search, Planetary Computer and Copernicus."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.catalog.acquisitions import Product
from pipeline.catalog.radiometry import baseline_of, from_item
from pipeline.catalog.scene import Asset, Scene
from pipeline.errors import SourceError, UsageError
from pipeline.grid import Tile

Item = Mapping[str, Any]
Resolve = Callable[[str], str]

ASSET_NAMES = {
    "red": ("red", "B04", "B04_10m", "red-jp2"),
    "green": ("green", "B03", "B03_10m", "green-jp2"),
    "blue": ("blue", "B02", "B02_10m", "blue-jp2"),
    "nir": ("nir", "B08", "B08_10m", "nir-jp2"),
}
# Lossy JPEG thumbnails are left out: their empty edge is no longer exactly 0 and cannot be told from ground.
PREVIEW_NAMES = ("preview", "PVI", "thumbnail")
PREVIEW_TYPES = (".jp2", ".png", ".tif", ".tiff")
DATATAKE = re.compile(r"G?(S2[A-Z])_(\d{8}T\d{6})")
PRODUCT = re.compile(r"(S2[A-Z])_MSIL\d[AC]_(\d{8}T\d{6})_N\d{4}_R\d{3}_")
STRIP = re.compile(r"_S(\d{8}T\d{6})_")
PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
LEVEL = re.compile(r"L(1C|2A)$|MSIL?_?(1C|2A)(?:_|$)|l(1c|2a)(?:-|$)")


def item_tile(item: Item) -> str | None:
    """The tile name of an item (`s2:mgrs_tile`, `grid:code` or `mgrs:*`), None where it states none."""
    properties = _properties(item)
    name = properties.get("s2:mgrs_tile") or str(properties.get("grid:code") or "").removeprefix("MGRS-")
    if not name and properties.get("mgrs:utm_zone"):
        parts = ("mgrs:utm_zone", "mgrs:latitude_band", "mgrs:grid_square")
        name = "".join(str(properties.get(part, "")) for part in parts)
    try:
        return Tile.parse(name).name if name else None
    except UsageError:
        return None


def item_product(item: Item, resolve: Resolve) -> Product:
    """The scene of an item.

    Args:
        item: the item as a dict.
        resolve: makes an href of the item an address or local path.

    Raises:
        SourceError: the item lacks what a scene needs (its tile, time, level, baseline, cloud cover, a band,
            its radiometry), with its id and what is missing.
    """
    identity = str(item.get("id") or "without id")
    try:
        return _product(identity, item, resolve)
    except SourceError as error:
        raise SourceError(f"Item {identity} cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"Item {identity} is no valid STAC item ({error!r}).") from error


def _product(identity: str, item: Item, resolve: Resolve) -> Product:
    properties = _properties(item)
    tile = item_tile(item)
    if not PLAIN_ID.fullmatch(identity):
        raise SourceError("Its id cannot be the name of a folder.")
    if tile is None:
        raise SourceError("It names no tile (s2:mgrs_tile, grid:code or mgrs:*).")
    _check_zone(properties, tile)
    sensed = _time(properties.get("datetime") or properties.get("start_datetime"), "datetime")
    strip = STRIP.search(str(properties.get("s2:datastrip_id") or ""))
    created = properties.get("s2:generation_time") or properties.get("created")
    assets = {band: _asset(item, band, resolve) for band in ASSET_NAMES}
    preview, preview_checksum = _preview(item, resolve)
    scene = Scene(
        id=identity,
        tile=tile,
        datetime=sensed,
        level=_level(item),
        baseline=baseline_of(properties) or _missing("processing baseline (s2:processing_baseline)"),
        datatake=_datatake(properties) or identity,
        cloud_cover=_percent(properties.get("eo:cloud_cover")),
        assets=assets,
        preview=preview,
        preview_checksum=preview_checksum,
        sun_azimuth=_optional(properties, "view:sun_azimuth", "s2:mean_solar_azimuth"),
        sun_elevation=_sun_elevation(properties),
    )
    return Product(
        scene, _compact_time(strip[1]) if strip else sensed, _time(created, "created") if created else sensed
    )


def _properties(item: Item) -> Mapping[str, Any]:
    properties = item.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _missing(what: str) -> str:
    raise SourceError(f"It states no {what}.")


def _time(text: Any, name: str) -> datetime:
    if not text:
        _missing(name)
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise SourceError(f"Its {name} {text!r} is no time.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _compact_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def _check_zone(properties: Mapping[str, Any], tile: str) -> None:
    code = properties.get("proj:code") or properties.get("proj:epsg")
    expected = Tile.parse(tile).epsg
    if code is not None and str(code).upper().removeprefix("EPSG:") != str(expected):
        raise SourceError(f"Its projection {code} is not that of its tile {tile} (EPSG:{expected}).")


def _level(item: Item) -> str:
    properties = _properties(item)
    stated = [
        properties.get("s2:product_type"),
        properties.get("processing:level"),
        properties.get("s2:product_uri"),
        item.get("collection"),
        item.get("id"),
    ]
    for text in stated:
        match = LEVEL.search(str(text or ""))
        if match:
            return "L" + next(group for group in match.groups() if group).upper()
    return _missing("level (s2:product_type)")


def _datatake(properties: Mapping[str, Any]) -> str | None:
    """Satellite and start of the overpass, without the baseline: reprocessings and neighbours share it."""
    match = DATATAKE.match(str(properties.get("s2:datatake_id") or ""))
    match = match or PRODUCT.match(str(properties.get("s2:product_uri") or ""))
    return f"G{match[1]}_{match[2]}" if match else properties.get("s2:datatake_id")


def _percent(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        raise SourceError(f"Its cloud cover {value!r} is no number from 0 to 100.")
    return float(value)


def _optional(properties: Mapping[str, Any], *names: str) -> float | None:
    values = [float(properties[name]) for name in names if properties.get(name) is not None]
    return values[0] if values else None


def _sun_elevation(properties: Mapping[str, Any]) -> float | None:
    zenith = _optional(properties, "s2:mean_solar_zenith")
    return _optional(properties, "view:sun_elevation") if zenith is None else 90 - zenith


def _asset(item: Item, band: str, resolve: Resolve) -> Asset:
    """The first asset of a band that can be reached; the reason of the last refusal where none can."""
    refusal = SourceError(f"It has no {band} band (asset {' or '.join(ASSET_NAMES[band])}).")
    for name in ASSET_NAMES[band]:
        asset = item["assets"].get(name)
        if not asset:
            continue
        try:
            href = resolve(asset["href"])
        except SourceError as error:
            refusal = SourceError(f"Its asset {name} cannot be reached: {error}")
            continue
        radiometry = from_item(_properties(item), asset)
        return Asset(href, 1, radiometry.scale, radiometry.offset, radiometry.nodata, _checksum(asset))
    raise refusal


def _checksum(asset: Mapping[str, Any]) -> str | None:
    return asset.get("file:checksum") or asset.get("checksum:multihash")


def _preview(item: Item, resolve: Resolve) -> tuple[str | None, str | None]:
    """Where the preview is, and the checksum stated for it."""
    for name in PREVIEW_NAMES:
        asset = item["assets"].get(name) or {}
        if asset.get("href", "").lower().endswith(PREVIEW_TYPES):
            try:
                return resolve(asset["href"]), _checksum(asset)
            except SourceError:
                continue
    return None, None
