"""What a pixel is made of: values, probabilities, and what each date shows there."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rasterio.crs import CRS
from rasterio.warp import transform
from rasterio.windows import Window

from pipeline.evidence import CLEAR, CLOUD, DOUBTFUL, HAZY, OLDER, SHADOW
from pipeline.landcover.classes import CLASSES, NAMES, NO_CONFIDENCE
from webapp.campaigns.models import Scene
from webapp.campaigns.words import CLASS_WORDS
from webapp.review.pictures import Looked
from webapp.tileserver.reader import open_files

DEGREES = CRS.from_epsg(4326)
BANDS = ("red", "green", "blue", "nir")
SURENESS: Mapping[int, Any] = {
    CLEAR: _("clear"),
    DOUBTFUL: _("doubtful"),
    HAZY: _("hazy"),
    OLDER: _("older date"),
}
MASKED: Mapping[int, Any] = {0: _("clear"), CLOUD: _("cloud"), SHADOW: _("cloud shadow")}
CLASS_NAMES: Mapping[int | None, Any] = {item.code: CLASS_WORDS[item.name] for item in CLASSES}


def inspect(looked: Looked, lon: float, lat: float) -> dict[str, Any]:
    """Tell what a build and its revision show at a place.

    Args:
        looked: the build.
        lon: degrees east.
        lat: degrees north.

    Returns:
        "values" (8 bits) and "reflectance" by band, "landcover", "confidence" (percent), "probabilities" by
        class (0..1), "source" (scene, date and how sure) and "dates": of each scene with files, the oldest
        first, its mask, class, confidence and values. None stands for no data.

    Raises:
        rasterio.errors.RasterioIOError: a file cannot be read.
    """
    build, served = looked.build, looked.revision
    code = _one(served and served.address("landcover.tif"), lon, lat)
    sure = _one(served and served.address("confidence.tif"), lon, lat)
    shares = values_at(build.address("probabilities.tif"), lon, lat) or ()
    stored = values_at(build.address("composite.tif"), lon, lat)
    scenes = list(looked.build.scenes.order_by("datetime"))
    return {
        "lon": lon,
        "lat": lat,
        "values": _by_band(values_at(served.address("mosaic.tif"), lon, lat) if served else None),
        "reflectance": _by_band(tuple((value - 1) / 10_000 for value in stored) if _full(stored) else None),
        "landcover": _class(code),
        "confidence": None if sure in (None, NO_CONFIDENCE) else sure,
        "probabilities": {
            str(CLASS_WORDS[name]): round(share / sum(shares), 3)
            for name, share in zip(NAMES, shares, strict=bool(shares))
        }
        if any(shares)
        else {},
        "source": _source(looked, scenes, lon, lat),
        "dates": [told for scene in scenes if (told := _date(looked, scene, lon, lat))],
    }


def values_at(path: str | None, lon: float, lat: float) -> tuple[int, ...] | None:
    """The values of all bands under a place; None outside the file, or where there is none."""
    if path is None:
        return None
    dataset = open_files.get(path).dataset
    (x,), (y,) = transform(DEGREES, dataset.crs, [lon], [lat])
    row, col = dataset.index(x, y)
    if not (0 <= row < dataset.height and 0 <= col < dataset.width):
        return None
    return tuple(int(value) for value in dataset.read(window=Window(col, row, 1, 1)).ravel())


def _class(code: int | None) -> str | None:
    return str(CLASS_NAMES[code]) if code in CLASS_NAMES else None


def _one(path: str | None, lon: float, lat: float) -> int | None:
    found = values_at(path, lon, lat)
    return found[0] if found else None


def _full(values: tuple[int, ...] | None) -> bool:
    return bool(values) and all(values or ())


def _by_band(values: tuple[float, ...] | None) -> dict[str, float] | None:
    if not values or not all(value is not None for value in values) or not any(values):
        return None
    return dict(zip(BANDS, values, strict=True))


def _source(looked: Looked, scenes: list[Scene], lon: float, lat: float) -> dict[str, Any] | None:
    rank, sure, *_rest = values_at(looked.build.address("provenance.tif"), lon, lat) or (0, 0)
    if not rank:
        return None
    scene = next((one for one in scenes if one.rank == rank), None)
    named = {"scene": scene.scene_id, "datetime": scene.datetime.isoformat()} if scene else {}
    return {"rank": rank, "sure": str(SURENESS.get(sure, _("not known"))), **named}


def _date(looked: Looked, scene: Scene, lon: float, lat: float) -> dict[str, Any] | None:
    """What a scene shows; None where it has no data or no files."""
    values = values_at(looked.scene_path(scene, "image.tif"), lon, lat)
    if not _full(values):
        return None
    code, sure = values_at(looked.scene_path(scene, "classes.tif"), lon, lat) or (0, NO_CONFIDENCE)
    masked = _one(looked.scene_path(scene, "cloud.tif"), lon, lat)
    return {
        "scene": scene.scene_id,
        "datetime": scene.datetime.isoformat(),
        "rank": scene.rank,
        "mask": str(MASKED.get(-1 if masked is None else masked, _("no data"))),
        "landcover": _class(code),
        "confidence": None if sure == NO_CONFIDENCE else sure,
        "values": _by_band(values),
    }
