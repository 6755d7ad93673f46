"""How long the stages of `script/bench world` last, on a clock that runs faster than the world's."""

import random

SCENES = 60
# What each step takes of the whole of a tile, about as measured (docs/benchmarks.md): they make up 1.
PARTS = {
    "scene_list": 0.05,
    "fetch": 0.20,
    "mask": 0.25,
    "compose": 0.15,
    "classify": 0.20,
    "revise": 0.15,
}
SPREAD = 0.3


def lasts(tile: str, part: str, tile_seconds: float) -> float:
    """Seconds that a step of a tile lasts: the same whenever asked, spread around its mean.

    Args:
        tile: its name.
        part: one of `PARTS`.
        tile_seconds: the mean of all steps of a tile.
    """
    chance = random.Random(f"{tile} {part}")
    return tile_seconds * PARTS[part] * chance.lognormvariate(-(SPREAD**2) / 2, SPREAD)
