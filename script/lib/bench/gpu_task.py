"""The tasks that look at a GPU: which there is, and whether networks tell the same as on a processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.networks import load
from pipeline.networks.back_end import has_gpu
from pipeline.training.datasets.drawing import draw_preview, draw_windows

RESOLUTION, SIDE = 10, 1280
PREVIEWS = 2


@dataclass(frozen=True)
class Seen:
    """What networks look at: parts of simulated scenes, and previews; float32 (4, rows, cols).

    Attributes:
        windows: at 10 m.
        previews: of whole scenes.
    """

    windows: Sequence[NDArray[np.float32]]
    previews: Sequence[NDArray[np.float32]]

    @classmethod
    def of(cls, seeds: Sequence[int], side: int = SIDE) -> "Seen":
        """Those of simulator seeds, weather as it comes."""
        windows = [
            one.reflectance for seed in seeds for one in draw_windows(seed, RESOLUTION, side, False, 1)
        ]
        return cls(
            windows, [draw_preview(seed, date).reflectance for seed in seeds for date in range(PREVIEWS)]
        )


def gpu() -> dict[str, Any]:
    """The GPU that networks would run on; "name" is empty where there is none that torch can use."""
    if not has_gpu():
        return {"seconds": 0.0, "name": "", "torch": torch.__version__}
    found = torch.cuda.get_device_properties(0)
    return {
        "seconds": 0.0,
        "name": found.name,
        "gib": found.total_memory / 2**30,
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
    }


def agreement(names: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """How far apart torch, on the GPU where there is one, and OpenVINO are on simulated scenes."""
    seen = Seen.of(seeds)
    return {"seconds": 0.0, "networks": {name: apart(name, seen) for name in names}}


def apart(name: str, seen: Seen) -> dict[str, float]:
    """Pixels, the share whose classes differ, and the most by which probabilities do."""
    one, other = load(name, back_end="torch"), load(name, back_end="openvino")
    if one.card.kind == "haze":
        scores = np.array([(one.score(item[:3]), other.score(item[:3])) for item in seen.previews])
        hazy = scores >= 0.5
        return {
            "pixels": len(scores),
            "differ": float((hazy[:, 0] != hazy[:, 1]).mean()),
            "most": float(np.abs(scores[:, 0] - scores[:, 1]).max()),
        }
    pixels, differ, most = 0, 0, 0.0
    for picture in seen.previews if name == "preview-cloud" else seen.windows:
        there = np.isfinite(picture).all(axis=0)
        first, second = (network.probabilities(picture)[:, there] for network in (one, other))
        pixels += int(there.sum())
        differ += int((first.argmax(axis=0) != second.argmax(axis=0)).sum())
        most = max(most, float(np.abs(first - second).max(initial=0)))
    return {"pixels": pixels, "differ": differ / max(pixels, 1), "most": most}
