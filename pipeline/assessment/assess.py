"""The figures of a build's composite: residual cloud and shadow, edges, likeness to the clear surface."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline import imagery
from pipeline.assessment.edges import EdgeFigures
from pipeline.assessment.likeness import Likeness
from pipeline.build import Build
from pipeline.catalog.scene import Scene
from pipeline.evidence import CLOUD, SHADOW, scene_folder
from pipeline.grid import Tile
from pipeline.ground import land
from pipeline.raster import decode, opened, padded, windows
from pipeline.settings import CampaignSettings
from pipeline.storage import read_json
from pipeline.tone import Tone, load_tone

BLOCK = 128
OTHERS = "assessment"


@dataclass(frozen=True)
class Sources:
    """What a composite is held against, all on its grid.

    Attributes:
        composite, provenance: of the build.
        grounds: by rank, the surface without edges on the scene's date: the truth, or the scene itself with
            its cloud mask.
        clouds: the truth's masks by rank; empty without a truth.
        dates: reflectance and our own mask of each candidate date; empty without a truth.
        truths: the clear surface on each candidate date; empty without a truth.
    """

    composite: DatasetReader
    provenance: DatasetReader
    grounds: tuple[tuple[DatasetReader, DatasetReader | None], ...]
    clouds: tuple[DatasetReader, ...] = ()
    dates: tuple[tuple[DatasetReader, DatasetReader], ...] = ()
    truths: tuple[DatasetReader, ...] = ()

    def ground(self, rank: int, window: Window) -> NDArray[np.float32]:
        """Reflectance of the surface on the date of a scene, NaN where it is not known."""
        surface, mask = self.grounds[rank - 1]
        values = decode(surface.read(window=window))
        if mask is not None:
            values[:, mask.read(1, window=window) != 0] = np.nan
        return values


def assess(folder: Path, truth: Path | None = None, every: int = 1) -> dict[str, Any]:
    """Measure the composite of a finished build.

    With the truth of simulated scenes: residual cloud and shadow (share of the pixels whose main contributor
    is cloudy or shaded there in truth), edges against the clear surface of the scenes' dates, and the RMSE,
    through the inverse tone table and one gain per band, beside that of the median of all candidate dates,
    cloud-blind and masked with our own masks: "rmse" against the surface on the day of the first scene,
    "rmse_middle" against the median of the surface over all candidate dates. Candidates that the build did
    not fetch are fetched and masked under `assessment/` in its folder. Without a truth: edges against the
    scenes themselves, where they are clear.

    Args:
        folder: of the build.
        truth: folder of the tile's truth (`truth/TILE` of `simulate`).
        every: look at every n-th window of the RMSE.

    Raises:
        SourceError: something of the build or the truth is missing.
    """
    build = opened_build(folder)
    tone = load_tone(build.settings.tone)
    edges = EdgeFigures(build.settings.resolution)
    likeness = {"rmse": Likeness(), "rmse_middle": Likeness()}
    residual = np.zeros(3, np.int64)
    with ExitStack() as stack:
        sources = _sources(stack, build, truth)
        for number, window in enumerate(windows(sources.composite.shape, BLOCK)):
            _add_edges(edges, sources, window, tone)
            residual += _residual(sources, window)
            if sources.dates and number % every == 0:
                _add_likeness(likeness, sources, window, tone)
    report = edges.report()
    if truth is not None:
        total = max(int(residual.sum()), 1)
        report |= {
            "residual_cloud": float(residual[1] / total),
            "residual_shadow": float(residual[2] / total),
        }
        report |= {"dates": len(sources.dates), **{name: one.rmse() for name, one in likeness.items()}}
    return report


def opened_build(folder: Path) -> Build:
    """The build in a folder of `run`."""
    asked = read_json(Path(folder) / "request.json")
    return Build(Tile.parse(Path(folder).name), CampaignSettings.from_json(asked["settings"]), Path(folder))


def _sources(stack: ExitStack, build: Build, truth: Path | None) -> Sources:
    def source(path: Path) -> DatasetReader:
        return stack.enter_context(opened(path))

    chosen = sorted(build.scene_list().chosen, key=lambda item: item.rank or 0)
    scenes = [build.candidates()[item.id] for item in chosen]
    composite, provenance = source(build.folder / "composite.tif"), source(build.folder / "provenance.tif")
    if truth is None:
        places = [scene_folder(build.folder, scene.id) for scene in scenes]
        grounds = tuple((source(place / "reflectance.tif"), source(place / "cloud.tif")) for place in places)
        return Sources(composite, provenance, grounds)
    return Sources(
        composite,
        provenance,
        tuple((source(_truth(truth, "clear", scene)), None) for scene in scenes),
        tuple(source(_truth(truth, "cloud", scene)) for scene in scenes),
        _dates(build, source),
        tuple(source(_truth(truth, "clear", scene)) for scene in build.candidates().values()),
    )


def _truth(folder: Path, kind: str, scene: Scene) -> Path:
    return Path(folder) / f"{kind}_{scene.datetime:%Y%m%d}.tif"


def _dates(
    build: Build, source: Callable[[Path], DatasetReader]
) -> tuple[tuple[DatasetReader, DatasetReader], ...]:
    """All candidate dates with our own masks; what the build has not fetched is fetched beside it."""
    found = []
    for scene in build.candidates().values():
        place = scene_folder(build.folder, scene.id)
        if not (place / "cloud.tif").exists():
            beside = build.folder / OTHERS
            imagery.fetch(scene, build.tile, build.settings, beside)
            imagery.mask(scene, build.tile, build.settings, beside)
            place = scene_folder(beside, scene.id)
        found.append((source(place / "reflectance.tif"), source(place / "cloud.tif")))
    return tuple(found)


def _add_edges(edges: EdgeFigures, sources: Sources, window: Window, tone: Tone) -> None:
    rank = sources.provenance.read(1, window=padded(window, 2, sources.provenance.shape)[0])
    if rank.min() == rank.max():
        return
    grown, inner = padded(window, edges.apron, sources.composite.shape)
    made = decode(sources.composite.read(window=grown))
    made[:, ~land(made)] = np.nan
    rank = sources.provenance.read(1, window=grown)
    scenes = {1, *(int(one) for one in np.unique(rank) if one)}
    grounds = {one: _levels(sources.ground(one, grown), tone) for one in sorted(scenes)}
    edges.add(_levels(made, tone), grounds, rank, inner)


def levels_on_land(levels: NDArray[np.uint8], tone: Tone) -> NDArray[np.float32]:
    """Levels (4, h, w) as numbers, NaN where there are none and on water."""
    shown = levels.astype(np.float32)
    shown[:, (levels == 0).any(axis=0) | ~land(tone.invert(levels))] = np.nan
    return shown


def _levels(reflectance: NDArray[np.float32], tone: Tone) -> NDArray[np.float32]:
    levels = tone.apply(reflectance).astype(np.float32)
    levels[levels == 0] = np.nan
    return levels


def _residual(sources: Sources, window: Window) -> NDArray[np.int64]:
    """How many pixels of a window are clear (or holes), cloudy and shaded in truth."""
    rank = sources.provenance.read(1, window=window)
    codes = np.zeros(rank.shape, np.uint8)
    for number, cloud in enumerate(sources.clouds, start=1):
        mine = rank == number
        if mine.any():
            codes[mine] = cloud.read(1, window=window)[mine]
    counts = np.bincount(codes.ravel(), minlength=256)
    return np.array([counts.sum() - counts[CLOUD] - counts[SHADOW], counts[CLOUD], counts[SHADOW]])


def _add_likeness(likeness: dict[str, Likeness], sources: Sources, window: Window, tone: Tone) -> None:
    stored = [(pixels.read(window=window), mask.read(1, window=window)) for pixels, mask in sources.dates]
    blind = np.stack([decode(pixels) for pixels, _ in stored])
    clear = np.stack([mask == 0 for _, mask in stored])
    products = {
        "composite": decode(sources.composite.read(window=window)),
        "cloud-blind median": _median(blind),
        "masked median": _median(np.where(clear[:, None], blind, np.nan)),
    }
    seen = {name: tone.invert(tone.apply(product)) for name, product in products.items()}
    likeness["rmse"].add(sources.ground(1, window), seen)
    truths = np.stack([decode(truth.read(window=window)) for truth in sources.truths])
    likeness["rmse_middle"].add(np.median(truths, axis=0), seen)


def _median(dates: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of the dates (n, 4, h, w) that are not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(dates, axis=0), np.float32)


def summary(report: dict[str, Any]) -> Sequence[str]:
    """The figures in lines for people."""
    lines = []
    for name, value in report.items():
        if isinstance(value, dict):
            lines += [f"{name} {product}: {np.mean(bands):.5f}" for product, bands in value.items()]
        elif isinstance(value, tuple):
            lines.append(f"{name}: {value[0]:.4f} to {value[1]:.4f}")
        else:
            lines.append(f"{name}: {value:.5g}")
    return lines
