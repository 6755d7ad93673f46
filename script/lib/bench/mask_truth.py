"""Masks of a build's scenes held against the simulation's truth, and what the network alone says."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evidence import CLOUD, SHADOW
from pipeline.imagery.mask import write_mask
from pipeline.raster import opened, windows

ALONE = "network.tif"


def against_truth(folder: str, scene: str, truth: str, block: int) -> dict[str, Any]:
    """Shares of the tile by what the mask of a scene and the truth say of cloud and shadow.

    Args:
        folder: of the build.
        scene: id of one that is there.
        truth: its true mask.
        block: side of a block of the scene's files in pixels.

    Returns:
        "true": cloud and shadow by the truth; "blocks": share of the blocks that hold any of it; "mask" and
        "network": {"covered", "falsely", "missed"}, of the mask that the build uses and of what the network
        alone says.
    """
    began = time.perf_counter()
    place = Path(folder) / "scenes" / scene
    write_mask(place / "reflectance.tif", place / ALONE)
    told = {
        name: _shares(place / file, Path(truth)) for name, file in (("mask", "cloud.tif"), ("network", ALONE))
    }
    true = told["mask"].pop("true")
    told["network"].pop("true")
    return {
        "seconds": time.perf_counter() - began,
        "true": true,
        "blocks": _blocks(Path(truth), block),
        **told,
    }


def _shares(mask: Path, truth: Path) -> dict[str, float]:
    counts = np.zeros(4, np.int64)
    with opened(mask) as ours, opened(truth) as theirs:
        for window in windows(ours.shape):
            here, there = (
                np.isin(dataset.read(1, window=window), (CLOUD, SHADOW)) for dataset in (ours, theirs)
            )
            counts += np.bincount((here + 2 * there).ravel(), minlength=4)
    _, falsely, missed, both = (float(count / counts.sum()) for count in counts)
    return {"true": both + missed, "covered": both + falsely, "falsely": falsely, "missed": missed}


def _blocks(truth: Path, side: int) -> float:
    """The share of blocks that hold a pixel of cloud or shadow."""
    with opened(truth) as theirs:
        parts = [
            np.isin(theirs.read(1, window=window), (CLOUD, SHADOW)).any()
            for window in windows(theirs.shape, side)
        ]
    return float(np.mean(parts))
