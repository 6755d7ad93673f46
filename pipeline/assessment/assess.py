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
        reference: the surface without edges: the truth on the day of the first scene, or that scene itself.
        reference_mask: its cloud mask where it is a scene.
        clouds: the truth's masks by rank; empty without a truth.
        dates: reflectance and our own mask of each candidate date; empty without a truth.
    """

    composite: DatasetReader
    provenance: DatasetReader
    reference: DatasetReader
    reference_mask: DatasetReader | None
    clouds: tuple[DatasetReader, ...]
    dates: tuple[tuple[DatasetReader, DatasetReader], ...]

    def surface(self, window: Window) -> NDArray[np.float32]:
        """Reflectance of the reference, NaN where it is not known."""
        values = decode(self.reference.read(window=window))
        if self.reference_mask is not None:
            values[:, self.reference_mask.read(1, window=window) != 0] = np.nan
        return values


def assess(folder: Path, truth: Path | None = None, every: int = 1) -> dict[str, Any]:
    """Measure the composite of a finished build.

    With the truth of simulated scenes: residual cloud and shadow (share of the pixels whose main contributor
    is cloudy or shaded there in truth), edges against the clear surface on the day of the first scene, and
    the RMSE against it, through the inverse tone table and one gain per band, beside that of the median of
    all candidate dates, cloud-blind and masked with our own masks. Candidates that the build did not fetch
    are fetched and masked under `assessment/` in its folder. Without a truth: edges against the first scene
    alone, where that is clear.

    Args:
        folder: of the build.
        truth: folder of the tile's truth (`truth/TILE` of `simulate`).
        every: look at every n-th window of the RMSE.

    Raises:
        SourceError: something of the build or the truth is missing.
    """
    build = opened_build(folder)
    tone = load_tone(build.settings.tone)
    edges, likeness = EdgeFigures(build.settings.resolution), Likeness()
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
        report |= {"dates": len(sources.dates), "rmse": likeness.rmse()}
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
    first = scene_folder(build.folder, scenes[0].id)
    composite, provenance = source(build.folder / "composite.tif"), source(build.folder / "provenance.tif")
    if truth is None:
        return Sources(
            composite, provenance, source(first / "reflectance.tif"), source(first / "cloud.tif"), (), ()
        )
    clouds = tuple(source(Path(truth) / f"cloud_{_day(scene)}.tif") for scene in scenes)
    clear = source(Path(truth) / f"clear_{_day(scenes[0])}.tif")
    return Sources(composite, provenance, clear, None, clouds, _dates(build, source))


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


def _day(scene: Scene) -> str:
    return f"{scene.datetime:%Y%m%d}"


def _add_edges(edges: EdgeFigures, sources: Sources, window: Window, tone: Tone) -> None:
    rank = sources.provenance.read(1, window=padded(window, 2, sources.provenance.shape)[0])
    if rank.min() == rank.max():
        return
    grown, inner = padded(window, edges.apron, sources.composite.shape)
    made, reference = decode(sources.composite.read(window=grown)), sources.surface(grown)
    made[:, ~land(made)] = np.nan
    rank = sources.provenance.read(1, window=grown)
    edges.add(_levels(made, tone), _levels(reference, tone), rank, inner)


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


def _add_likeness(likeness: Likeness, sources: Sources, window: Window, tone: Tone) -> None:
    stored = [(pixels.read(window=window), mask.read(1, window=window)) for pixels, mask in sources.dates]
    blind = np.stack([decode(pixels) for pixels, _ in stored])
    clear = np.stack([mask == 0 for _, mask in stored])
    products = {
        "composite": decode(sources.composite.read(window=window)),
        "cloud-blind median": _median(blind),
        "masked median": _median(np.where(clear[:, None], blind, np.nan)),
    }
    seen = {name: tone.invert(tone.apply(product)) for name, product in products.items()}
    likeness.add(sources.surface(window), seen)


def _median(dates: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of the dates (n, 4, h, w) that are not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(dates, axis=0), np.float32)


def summary(report: dict[str, Any]) -> Sequence[str]:
    """The figures in lines for people."""
    lines = []
    for name, value in report.items():
        if name == "rmse":
            lines += [f"rmse {product}: {np.mean(bands):.5f}" for product, bands in value.items()]
        elif isinstance(value, tuple):
            lines.append(f"{name}: {value[0]:.4f} to {value[1]:.4f}")
        else:
            lines.append(f"{name}: {value:.5g}")
    return lines
