"""The folder of labels: reflectance.tif, labels.tif on the same grid, and labels.json."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from pipeline.errors import UsageError
from pipeline.image import Image
from pipeline.landcover.classes import CLASSES, COLORMAP
from pipeline.networks import load, predict
from pipeline.raster import (
    encode,
    geobox_of,
    opened,
    padded,
    raster_writer,
    reflectance_writer,
    window_geobox,
    windows,
)
from pipeline.storage import write_json
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.places import split_of
from pipeline.training.recipe.drawing import CHANGED, REASONS, Rules, fine_classes, labels_of
from pipeline.training.recipe.given import Given, given_scene
from pipeline.training.recipe.settlement import Settlement, read_settlement
from pipeline.training.recipe.vectors import timestamp
from pipeline.training.recipe.worldcover import EMPTY, WorldCover

MAP_PIXEL = 10.0
LEAST_PARTS, MOST_PARTS = 2, 12
FINE_WINDOW = 1024

LICENCES = {
    "worldcover": "ESA WorldCover, CC BY 4.0: (c) ESA WorldCover project, contains modified Copernicus "
    "Sentinel data processed by the ESA WorldCover consortium.",
    "osm": "OpenStreetMap, ODbL 1.0: (c) OpenStreetMap contributors; derived databases are shared alike.",
    "scene": "Contains modified Copernicus Sentinel data {year}.",
}


@dataclass(frozen=True)
class Job:
    """What is drawn onto what.

    Attributes:
        worldcover, osm: files of the two maps.
        scene: SAFE product, STAC item or raster.
        out: folder.
        day, resolution, cloud: of the scene, where given.
        map_year: of WorldCover files whose names do not tell it.
        years_apart: how many years map and scene may lie apart.
        place, split: where the labels count to; the scene's tile and the hash of the place where None.
        rules: how sure a label must be.
    """

    worldcover: tuple[Path, ...]
    osm: tuple[Path, ...]
    scene: Path
    out: Path
    day: date | None = None
    resolution: float | None = None
    cloud: Path | None = None
    map_year: int | None = None
    years_apart: int = 0
    place: str | None = None
    split: str | None = None
    rules: Rules = field(default_factory=Rules)


def write_labels(job: Job, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Draw labels onto a scene; returns what labels.json says.

    Args:
        job: what is drawn onto what.
        tell: takes a line of progress.

    Raises:
        UsageError: the years do not fit, or an argument is wrong.
        SourceError: a file cannot be used.
    """
    with (
        WorldCover(job.worldcover, job.map_year) as cover,
        given_scene(job.scene, job.day, job.resolution) as given,
    ):
        year, warnings = _fitting_year(cover, given, job.years_apart)
        _check_metres(given)
        tell(f"{given.id}: OpenStreetMap")
        settlement = read_settlement(job.osm, given.image.geobox)
        tell(f"{given.id}: cloud")
        cloud = _cloud_of(given.image, job.cloud)
        tell(f"{given.id}: labels")
        _write_reflectance(given.image, job.out / "reflectance.tif")
        counts = _Drawing(cover, year, settlement, given.image.geobox, cloud, job.rules).write(
            job.out / "labels.tif"
        )
    told = _told(job, given, year, cover.years, settlement, counts) | {"warnings": warnings}
    write_json(job.out / "labels.json", told)
    return told


def _fitting_year(cover: WorldCover, given: Given, most: int) -> tuple[int, list[str]]:
    """The map's year that is nearest to the scene's, and a warning where it is another."""
    year = min(cover.years, key=lambda known: (abs(known - given.date.year), known))
    apart = abs(year - given.date.year)
    if apart == 0:
        return year, []
    words = f"The map is of {year} and the scene {given.id} of {given.date.year}"
    if apart > most:
        raise UsageError(
            f"{words}: ground may have changed; allow it with --other-years {apart}.", "other_years"
        )
    return year, [f"{words}: what has changed since is labelled wrongly."]


def _check_metres(given: Given) -> None:
    crs = given.image.geobox.crs
    if crs is None or not crs.projected:
        raise UsageError(f"{given.id} has no grid in metres.", "scene")


def _cloud_of(image: Image, given: Path | None) -> NDArray[np.uint8]:
    """0 clear, 1 cloud, 2 shadow, 255 no data of the whole image: as given, else by the shipped network."""
    shape = image.geobox.shape.yx
    if given is not None:
        with opened(given) as mask:
            same = mask.shape == shape and mask.transform.almost_equals(image.geobox.affine, 1e-6)
            if not same or geobox_of(mask).crs != image.geobox.crs:
                raise UsageError(f"The cloud mask {given} lies on another grid than the scene.", "cloud")
            return mask.read(1)
    cloud = np.full(shape, IGNORE, np.uint8)
    for window, probabilities, valid in predict(load("cloud"), image.read, shape):
        likeliest = probabilities.argmax(axis=0).astype(np.uint8)
        cloud[window.toslices()] = np.where(valid, likeliest, np.uint8(IGNORE))
    return cloud


def _write_reflectance(image: Image, path: Path) -> None:
    with reflectance_writer(path, image.geobox) as out:
        for window in windows(image.geobox.shape.yx):
            out.write(encode(image.read(window)), window=window)


@dataclass(frozen=True)
class _Drawing:
    """All that the label of a pixel depends on."""

    cover: WorldCover
    year: int
    settlement: Settlement
    geobox: GeoBox
    cloud: NDArray[np.uint8]
    rules: Rules

    def write(self, path: Path) -> NDArray[np.int64]:
        """Write the labels; returns how many pixels have each label or reason, int64 (256,)."""
        factor = int(np.clip(round(self.geobox.affine.a / MAP_PIXEL), LEAST_PARTS, MOST_PARTS))
        counts = np.zeros(256, np.int64)
        with self._writer(path) as out:
            for window in windows(self.geobox.shape.yx, max(1, FINE_WINDOW // factor)):
                drawn = self._window(window, factor)
                counts += np.bincount(drawn.ravel(), minlength=256)
                out.write(np.where(drawn > len(CLASSES), np.uint8(IGNORE), drawn), 1, window=window)
        return counts

    def _window(self, window: Window, factor: int) -> NDArray[np.uint8]:
        resolution = self.geobox.affine.a
        grown, inner = padded(window, self.rules.margin(resolution), self.geobox.shape.yx)
        coarse = window_geobox(self.geobox, grown)
        rows, cols = coarse.shape.yx
        fine = GeoBox((rows * factor, cols * factor), coarse.affine @ Affine.scale(1 / factor), coarse.crs)
        cover = self.cover.read(fine, self.year)
        classes = fine_classes(cover, self.settlement.said(fine), self.rules.plot * factor / resolution)
        for year in self.cover.years:
            if year != self.year:
                other = self.cover.read(fine, year)
                classes[(other != cover) & (other != EMPTY)] = CHANGED
        return labels_of(classes, factor, self.cloud[grown.toslices()], self.rules, resolution)[inner]

    def _writer(self, path: Path) -> AbstractContextManager[DatasetWriter]:
        return raster_writer(
            path, self.geobox, 1, "uint8", nodata=IGNORE, descriptions=("labels",), colormap=COLORMAP
        )


def _told(
    job: Job, given: Given, year: int, years: list[int], settlement: Settlement, counts: NDArray[np.int64]
) -> dict[str, Any]:
    place, total = job.place or given.place, int(counts.sum())
    return {
        "format": 1,
        "place": place,
        "split": job.split or split_of(place),
        "split_stated": job.split is not None,
        "scene": {"id": given.id, "date": given.date.isoformat(), "level": given.level},
        "sources": {
            "worldcover": {"files": [path.name for path in job.worldcover], "year": year, "years": years},
            "osm": {
                "files": [path.name for path in job.osm],
                "edits_until": [timestamp(path) for path in job.osm],
                "areas": settlement.counts,
            },
            "cloud": job.cloud.name if job.cloud else f"network cloud {load('cloud').version}",
        },
        "licences": [text.format(year=given.date.year) for text in LICENCES.values()],
        "rules": asdict(job.rules),
        "labelled": {item.name: float(counts[item.code] / total) for item in CLASSES},
        "left_out": {words: float(counts[code] / total) for code, words in REASONS.items()},
    }
