"""What is told about a view in words and numbers: TileJSON and the values under a point."""

from dataclasses import replace
from typing import Any

from pipeline.evidence import MOST_SCENES
from pipeline.landcover.classes import CLASSES
from pipeline.web_copy import native_zoom
from webapp.campaigns.models import Build, Scene
from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.coverage import Source, paths_of
from webapp.tileserver.layers import LAYERS, Layer
from webapp.tileserver.reader import read_point

ALL_BANDS = replace(LAYERS["rgb"], indexes=(1, 2, 3, 4))
BANDS = ("red", "green", "blue", "nir")


class BadPoint(ValueError):
    """A longitude or latitude that is none; the text is one sentence."""

    def __init__(self, message: str, field: str):
        """Take the sentence and the name of the parameter."""
        super().__init__(message)
        self.field = field


def attribution(view: View) -> str:
    """Give the sentence that the Sentinel data's terms ask for, with the campaign's years."""
    settings = view.campaign.pipeline_settings
    first, last = (settings.fill_start or settings.first_day).year, settings.last_day.year
    years = str(first) if first == last else f"{first}–{last}"
    return f"Contains modified Copernicus Sentinel data {years}"


def last_zoom(view: View) -> int:
    """Give the first zoom whose pixels are at least as fine as the view's in the middle of its bounds."""
    _, south, _, north = view.coverage.bounds or (0.0, 0.0, 0.0, 0.0)
    return native_zoom(view.campaign.pipeline_settings.resolution, (south + north) / 2)


def tilejson(view: View, layer: Layer, address: str) -> dict[str, Any]:
    """Describe a layer as TileJSON 3.0.0 does.

    Args:
        view: the edition, or the newest revisions.
        layer: the layer.
        address: of the map tiles, with {z}, {x} and {y}.

    Raises:
        NotHere: the campaign has no tiles yet.
    """
    bounds = view.coverage.bounds
    if bounds is None:
        raise NotHere(f"Campaign {view.campaign.slug} has no tiles yet.")
    west, south, east, north = bounds
    zoom = last_zoom(view)
    return {
        "tilejson": "3.0.0",
        "name": f"{view.campaign.name}: {layer.title}",
        "version": f"{view.edition.number if view.edition else 0}.0.0",
        "attribution": attribution(view),
        "scheme": "xyz",
        "tiles": [address],
        "bounds": [round(value, 6) for value in bounds],
        "center": [round((west + east) / 2, 6), round((south + north) / 2, 6), max(0, zoom - 4)],
        "minzoom": 0,
        "maxzoom": zoom,
    }


def parse_point(lon: str | None, lat: str | None) -> tuple[float, float]:
    """Read a longitude and a latitude in degrees.

    Raises:
        BadPoint: one is missing, no number or out of range.
    """
    return _degrees(lon, "lon", 180), _degrees(lat, "lat", 90)


def _degrees(text: str | None, field: str, most: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise BadPoint(f"{field} must be a number of degrees, not {text!r}.", field) from None
    if not abs(value) <= most:
        raise BadPoint(f"{field} must lie in -{most} to {most}, not {text}.", field)
    return value


def point(view: View, lon: float, lat: float) -> dict[str, Any]:
    """Give the values under a point.

    Raises:
        NotHere: no tile has data there.
    """
    sources = view.coverage.touching((lon, lat, lon, lat))
    values = _first(sources, ALL_BANDS, lon, lat)
    if values is None:
        raise NotHere(f"There is no data at longitude {lon}, latitude {lat}.")
    source, bands = values
    code = _first(sources, LAYERS["landcover"], lon, lat)
    confidence = _first(sources, LAYERS["confidence"], lon, lat)
    names = {item.code: item.name for item in CLASSES}
    scene = _scene(sources, lon, lat)
    return {
        "lon": lon,
        "lat": lat,
        "tile": source.tile,
        "values": dict(zip(BANDS, bands, strict=True)),
        "landcover": code and {"code": code[1][0], "class": names.get(code[1][0], "unknown")},
        "confidence": confidence and confidence[1][0],
        "scene": scene,
        "filled_from": _older_day(scene),
    }


def _first(
    sources: list[Source], layer: Layer, lon: float, lat: float
) -> tuple[Source, tuple[int, ...]] | None:
    by_path = paths_of(sources, layer)
    found = read_point(list(by_path), layer, lon, lat)
    return found and (by_path[found[0]], found[1])


def _scene(sources: list[Source], lon: float, lat: float) -> dict[str, Any] | None:
    """Give the scene that the pixel was taken from; one of the older range where a hole is filled."""
    found = _first(sources, LAYERS["provenance"], lon, lat)
    if found is None:
        return None
    source, (rank, *_) = found
    if rank > MOST_SCENES:
        known = _older_scene(source.build_id, rank)
    else:
        scene = Scene.objects.filter(build_id=source.build_id, rank=rank).first()
        known = {"id": scene.scene_id, "datetime": scene.datetime.isoformat()} if scene else {}
    return {"tile": source.tile, "rank": rank, **known}


def _older_day(scene: dict[str, Any] | None) -> str | None:
    """Give the date (YYYY-MM-DD) of what fills a hole; None where the campaign's own scenes show."""
    if scene is None or scene["rank"] <= MOST_SCENES:
        return None
    return scene["datetime"][:10] if "datetime" in scene else None


def _older_scene(build_id: int, rank: int) -> dict[str, Any]:
    """Give id and date of a scene that fills holes, from the build's report."""
    fill = Build.objects.filter(pk=build_id).values_list("report__fill", flat=True).first()
    scenes = fill["scenes"] if fill else ()
    return next(({"id": s["id"], "datetime": s["datetime"]} for s in scenes if s["rank"] == rank), {})
