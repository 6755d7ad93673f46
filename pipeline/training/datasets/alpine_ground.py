"""What the alpine scenes' own classification and their colours tell of real ground, with doubt left out.

At 120 m the scene classification calls houses "not vegetated" (5) as well as bare fields, and gardens and
villages "vegetation" (4). Only these are labelled:

- vegetation: class 4 that is green, away from towns;
- bare soil: smooth patches redder than roofs and streets are, little green, away from towns;
- town: class 5 that is no soil, among much more of it;
- water: class 6.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.errors import UsageError
from pipeline.training.augment import enlarged
from pipeline.training.datasets import CLAIMED, IGNORE, Sample
from pipeline.training.datasets.alpine import LICENCE, PLACES, RealScene, cut_out

VEGETATION, BARE, WATER = 4, 5, 6
GREEN = 0.5
"""NDVI from which vegetation is sure; soil has less than `FADED`."""

FADED = 0.45
RED = 0.14
"""(red - blue) / (red + blue) from which ground is redder than a town."""

SMOOTH = 0.2
"""Deviation of the logarithm of brightness over 3 x 3 pixels below which a patch is a field's."""

AROUND = 7
"""Pixels on a side of the square that tells how much of a town there is around."""

TOWNISH, TOWN = 0.12, 0.5
"""Share of class 5 around from which ground may be a town's, and from which it is."""

TELLS = {
    "buildings": {"vegetation": 0, "soil": 0, "water": 0, "town": CLAIMED},
    "vegetation": {"vegetation": CLAIMED, "soil": 0, "water": 0, "town": 0},
}
RARE = ("soil", "town", "water")
"""Ground that every second crop holds."""


@dataclass(frozen=True)
class Ground:
    """Where each kind of ground is sure, bool (rows, cols) each."""

    vegetation: NDArray[np.bool_]
    soil: NDArray[np.bool_]
    town: NDArray[np.bool_]
    water: NDArray[np.bool_]


def sure_ground(reflectance: NDArray[np.float32], scl: NDArray[np.uint8]) -> Ground:
    """Return where ground is sure.

    Args:
        reflectance: (4, rows, cols), R, G, B, NIR, NaN where there is no data.
        scl: the scene classification on the same pixels.
    """
    known = np.isfinite(reflectance).all(axis=0)
    red, green, blue, nir = np.where(known, reflectance, np.float32(0.05))
    ndvi = (nir - red) / np.maximum(nir + red, 1e-3)
    ruddy = (red - blue) / np.maximum(red + blue, 1e-3) > RED
    faded = np.isin(scl, (VEGETATION, BARE)) & ruddy & (ndvi < FADED) & known
    patch = faded & (_deviation(red * green * blue) < SMOOTH) & (_share(faded, 3) > 0.6)
    soil = faded & ndimage.binary_dilation(patch, np.ones((3, 3)))
    around = _share((scl == BARE) & ~soil, AROUND)
    away = around < TOWNISH
    edge = ndimage.maximum_filter(scl, 3) != ndimage.minimum_filter(scl, 3)
    return Ground(
        vegetation=(scl == VEGETATION) & (ndvi >= GREEN) & away & known,
        soil=soil & (around < 2 * TOWNISH),
        town=(scl == BARE) & ~soil & (around > TOWN) & known,
        water=(scl == WATER) & ~edge & known,
    )


def ground_labels(name: str, ground: Ground) -> NDArray[np.uint8]:
    """Return the labels of a network, `CLAIMED` and `IGNORE` among them.

    Raises:
        UsageError: the network does not tell landcover.
    """
    if name not in TELLS:
        raise UsageError(f"The alpine scenes' ground tells nothing for the network {name!r}.", "sources")
    labels = np.full(ground.soil.shape, IGNORE, np.uint8)
    for kind, label in TELLS[name].items():
        labels[getattr(ground, kind)] = label
    return labels


def _share(mask: NDArray[np.bool_], size: int) -> NDArray[np.float32]:
    return ndimage.uniform_filter(mask.astype(np.float32), size)


def _deviation(product: NDArray[np.float32]) -> NDArray[np.float32]:
    """Deviation over 3 x 3 pixels of the logarithm of three bands' geometric mean."""
    level = np.log(np.maximum(product, 1e-9)) / 3
    mean = ndimage.uniform_filter(level, 3)
    return np.sqrt(np.maximum(ndimage.uniform_filter(level**2, 3) - mean**2, 0))


class AlpineGround:
    """Crops of the parts that may be trained on, at 120 m or enlarged to 60 m; half hold rare ground.

    Args:
        scenes: what `alpine.read_scenes` returned.
        name: the network whose labels are wanted.
        crop: side in pixels.
    """

    licence = LICENCE
    places = PLACES

    def __init__(self, scenes: list[RealScene], name: str, crop: int) -> None:
        self.crop = crop
        self.parts, self.spots = [], []
        for scene in scenes:
            rows = scene.rows(held_out=False)
            reflectance, scl = scene.reflectance[:, rows], scene.scl[rows]
            if min(scl.shape) < crop:
                continue
            ground = sure_ground(reflectance, scl)
            self.parts.append(Sample(reflectance, ground_labels(name, ground)))
            self.spots.append([np.argwhere(getattr(ground, kind)) for kind in RARE])

    def __len__(self) -> int:
        """Return how many crops there are."""
        return sum(part.labels.size for part in self.parts) // self.crop**2

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop."""
        number = int(rng.integers(len(self.parts)))
        double = rng.random() < 0.5
        size = self.crop // 2 if double else self.crop
        found = cut_out(self.parts[number], size, rng, self._spot(number, rng))
        if not double:
            return found
        labels = found.labels.repeat(2, 0).repeat(2, 1)
        return Sample(enlarged(found.reflectance, int(rng.integers(2))), labels)

    def _spot(self, number: int, rng: np.random.Generator) -> tuple[int, int] | None:
        """A pixel of rare ground, now and then."""
        spots = self.spots[number][int(rng.integers(len(self.spots[number])))]
        if rng.random() < 0.5 or not len(spots):
            return None
        row, col = spots[int(rng.integers(len(spots)))]
        return int(row), int(col)
