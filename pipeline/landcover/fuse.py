"""Stage 4a: the dates of the series pooled to one set of class probabilities (paper, 2.4)."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.drawn import Area, codes_in
from pipeline.evidence import HOLE, histogram, margin_pixels, scene_folder
from pipeline.grid import Tile
from pipeline.landcover.classes import NAMES
from pipeline.landcover.combine import SCALE, combine, quantise
from pipeline.landcover.pool import DatePool, kinds_of
from pipeline.networks import SHIPPED, TOGETHER, Chosen
from pipeline.parallel import in_order
from pipeline.raster import decode, filled, opened, padded, raster_writer, windows
from pipeline.settings import CampaignSettings


@dataclass(frozen=True)
class Date:
    """A date of the series, open for reading.

    Attributes:
        probabilities: its stored probabilities, six bands.
        mask: its cloud mask.
        haze: probability that it is hazy, 0..1.
        days: between it and the campaign's target date.
    """

    probabilities: DatasetReader
    mask: DatasetReader
    haze: float
    days: int


def fuse(
    scenes: Sequence[Scene],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    haze: Mapping[str, float | None] | None = None,
    networks: Chosen = SHIPPED,
    corrected: Sequence[Area] = (),
) -> dict[str, Any]:
    """Write probabilities.tif of a build from the dates of its series.

    The dates are pooled as `pool` tells. Where none of them is clear or doubtful but the composite has data,
    the networks read the composite itself. Without either, all six bands are 0. Where a reviewer corrected
    the class, that one is sure.

    Args:
        scenes: those that `classify_scene` has worked on.
        tile: the tile.
        settings: of the campaign.
        folder: of the build; composite.tif is there.
        haze: probability of haze by scene id; what it lacks is taken for free of haze.
        networks: of the campaign.
        corrected: areas with the class that a reviewer told.

    Returns:
        "pooled", "from_composite", "holes": shares of the tile; "dates": how many were pooled.

    Raises:
        SourceError: a file of a scene or the composite is missing.
        ModelError: a network cannot be used.
    """
    geobox = tile.geobox(settings.resolution)
    margin = margin_pixels(settings.margin, settings.resolution)
    counts = np.zeros(3, np.int64)
    with ExitStack() as stack:
        dates = [
            _open_date(stack, folder, scene, (haze or {}).get(scene.id), settings.target) for scene in scenes
        ]
        composite = stack.enter_context(opened(Path(folder) / "composite.tif"))
        out = stack.enter_context(
            raster_writer(Path(folder) / "probabilities.tif", geobox, 6, "uint8", descriptions=NAMES)
        )
        turn = Lock()

        def fused(window: Window) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
            return _fuse_window(dates, composite, window, margin, turn, networks)

        for window, (stored, origin) in in_order(fused, windows(geobox.shape.yx)):
            correct(stored, codes_in(corrected, geobox, window))
            out.write(stored, window=window)
            counts += histogram(origin)[:3]
    holes, pooled, filled_in = (float(count / counts.sum()) for count in counts)
    return {"pooled": pooled, "from_composite": filled_in, "holes": holes, "dates": len(scenes)}


def correct(stored: NDArray[np.uint8], codes: NDArray[np.uint8]) -> None:
    """Make stored probabilities (6, h, w) sure of the class told (h, w), where one is and there is data."""
    told = (codes > 0) & (stored != 0).any(axis=0)
    stored[:, told] = 0
    stored[codes[told].astype(np.int64) - 1, *np.nonzero(told)] = SCALE


def _open_date(stack: ExitStack, folder: Path, scene: Scene, haze: float | None, target: date) -> Date:
    place = scene_folder(folder, scene.id)
    probabilities = stack.enter_context(opened(place / "probabilities.tif"))
    mask = stack.enter_context(opened(place / "cloud.tif"))
    return Date(probabilities, mask, haze or 0.0, abs((scene.datetime.date() - target).days))


def _fuse_window(
    dates: Sequence[Date],
    composite: DatasetReader,
    window: Window,
    margin: float,
    turn: Lock,
    networks: Chosen,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Stored probabilities (6, h, w) and their origin (h, w): 0 none, 1 pooled dates, 2 the composite."""
    pool = DatePool((window.height, window.width))
    for one in dates:
        grown, inner = padded(window, int(np.ceil(margin)) + 1, one.mask.shape)
        with turn:
            cloud = one.mask.read(1, window=grown)
        kinds = kinds_of(cloud, margin)[inner]
        if (kinds != HOLE).any():
            with turn:
                stored = one.probabilities.read(window=window)
            pool.add(stored, kinds, one.haze, one.days)
    fused, seen = pool.result()
    origin = seen.astype(np.uint8)
    with turn:
        missing = ~seen & filled(composite.read(window=window))
        # The networks are too large to work on several windows at once.
        if missing.any():
            fused[:, missing] = composite_probabilities(composite, window, networks)[:, missing]
        origin[missing] = 2
    return quantise(fused, origin > 0), origin


def composite_probabilities(
    composite: DatasetReader, window: Window, chosen: Chosen = SHIPPED
) -> NDArray[np.float32]:
    """What the networks make of a window of the composite, read with their margin, float32 (6, h, w)."""
    networks = [chosen.load(name) for name in TOGETHER]
    margin = max(network.margin for network in networks)
    grown, inner = padded(window, margin, composite.shape)
    reflectance = decode(composite.read(window=grown))
    return combine(*(network.probabilities(reflectance)[(slice(None), *inner)] for network in networks))
