"""What a network is worth: figures over cases, with pictures of some of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.training.album import Album
from pipeline.training.cases import Case, of_alpine, of_desert, of_eurosat, of_seeds
from pipeline.training.judge import Judge, judge_of
from pipeline.training.tally import Tally

Judged = Iterator[tuple[Case, NDArray[np.float32]]]


def measure(judge: Judge, judged: Judged, album: Album | None = None) -> dict[str, Any]:
    """Return the figures of judged cases (`Tally.figures`).

    Args:
        judge: what judged them.
        judged: cases and the probabilities of their pixels.
        album: takes pictures of them.
    """
    tally = Tally(judge.classes)
    for case, probabilities in judged:
        counts = tally.add(case.place, case.labels, probabilities, case.cover)
        if album is not None:
            album.add(case, probabilities.argmax(axis=0), counts)
    if album is not None:
        album.reliability = tally.reliability if tally.places else None
    return tally.figures()


def judged_by(judge: Judge, cases: Iterable[Case]) -> Judged:
    """Yield cases with the probabilities that a judge gives their pixels."""
    return ((case, judge.probabilities(case.reflectance)) for case in cases)


def on_seeds(
    name: str,
    seeds: Iterable[int],
    resolution: float,
    weights: Path,
    album: Album | None = None,
    level: str = "L2A",
) -> dict[str, Any]:
    """Return figures of a network, or of "landcover", on simulated scenes.

    Args:
        name: a network, or "landcover" for the combination of three.
        seeds: seeds of the simulator.
        resolution: metres; not used for the networks that read previews.
        weights: folder of the weights.
        album: takes pictures.
        level: "L2A" or "L1C"; not used for the networks that read previews.
    """
    judge = judge_of(name, weights)
    return measure(judge, judged_by(judge, of_seeds(name, seeds, resolution, level)), album)


def on_alpine(
    name: str, data: Path, held_out: bool, weights: Path, album: Album | None = None
) -> dict[str, Any]:
    """Return figures of "cloud" (at 60 m) or "preview-cloud" on the real alpine scenes.

    Args:
        name: the network.
        data: folder of the shared data.
        held_out: the parts kept for tests instead of those trained on.
        weights: folder of the weights.
        album: takes pictures.
    """
    judge = judge_of(name, weights)
    return measure(judge, judged_by(judge, of_alpine(name, data, held_out)), album)


def on_desert(data: Path, weights: Path, album: Album | None = None) -> dict[str, Any]:
    """Return figures of "cloud" on the real desert scene."""
    judge = judge_of("cloud", weights)
    return measure(judge, judged_by(judge, of_desert(data)), album)


def on_eurosat(data: Path, weights: Path, album: Album | None = None) -> dict[str, Any]:
    """Return figures of "buildings" on mosaics of EuroSAT patches held out, each pixel judged."""
    judge = judge_of("buildings", weights)
    return measure(judge, judged_by(judge, of_eurosat(data)), album)
