"""Which EuroSAT patches are kept for tests: those of some clusters of colour statistics.

EuroSAT tells no places, so that a random split has neighbours on both sides. Patches of one field, lake or
town look alike: whole clusters of alike patches are kept back instead. Still optimistic, as a place may lie
in several clusters.

`python -m pipeline.training.patch_clusters FOLDER` makes `patch_clusters.json` again from patches in
EuroSAT's layout.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

CLUSTERS = 200
KEPT_OF = 5
"""One cluster in so many is kept for tests."""

TABLE = Path(__file__).with_suffix(".json")
TRAIN_PLACE = "EuroSAT patches outside the test clusters"
TEST_PLACE = "EuroSAT patches of the test clusters"


def statistics(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return mean and standard deviation of R, G, B of a patch (rows, cols, 3), six numbers."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)])


def is_kept(picture: NDArray[np.uint8]) -> bool:
    """Return whether a patch is kept for tests: a function of its picture alone."""
    return cluster_of(picture) % KEPT_OF == 0


def cluster_of(picture: NDArray[np.uint8]) -> int:
    """Return the number of the cluster whose centre is nearest to a patch."""
    centres, scale = _table()
    return int(((centres - statistics(picture) / scale) ** 2).sum(axis=1).argmin())


def fitted(
    pictures: Iterable[NDArray[np.uint8]], folders: Sequence[str], seed: int = 1
) -> dict[str, list[Any]]:
    """Return the table of clusters of patches: "scale" of the six numbers and the scaled "centres".

    The clusters are numbered by the folder that most of their patches are of, and by size, so that every
    fifth is kept of each kind of ground.

    Args:
        pictures: patches.
        folders: of the same.
        seed: of the first centres.
    """
    numbers = np.stack([statistics(picture) for picture in pictures])
    scale = numbers.std(axis=0)
    centres, member = kmeans2(numbers / scale, CLUSTERS, iter=50, minit="++", rng=np.random.default_rng(seed))
    most = {}
    for cluster in range(CLUSTERS):
        counts = Counter(folder for folder, of in zip(folders, member, strict=True) if of == cluster)
        most[cluster] = counts.most_common(1)[0] if counts else ("", 0)
    order = sorted(range(CLUSTERS), key=lambda cluster: (most[cluster][0], -most[cluster][1], cluster))
    return {"scale": scale.round(4).tolist(), "centres": centres[order].round(4).tolist()}


@lru_cache(maxsize=1)
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return np.array(table["centres"]), np.array(table["scale"])


if __name__ == "__main__":
    from pipeline.training.patches import read_patches

    found = list(read_patches(Path(sys.argv[1])))
    content = fitted([patch.picture for patch in found], [patch.folder for patch in found])
    TABLE.write_text(json.dumps(content) + "\n", encoding="utf-8")
