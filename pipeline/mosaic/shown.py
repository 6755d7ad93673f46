"""What a mosaic shows in the holes of all its composites: their fills, with soft edges (paper, 2.3)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.blending import Blended, blend_window
from pipeline.contributor import Contributor, Prepare, contributors
from pipeline.mosaic.fill import FEATHER, FILL
from pipeline.ramps import Ramps
from pipeline.raster import BANDS

SOFT = Ramps(edge=FEATHER, seam=FEATHER, hole=FEATHER)


@dataclass(frozen=True)
class Fills:
    """The fills of a mosaic's contributors.

    With d the softness of the composites at a place (0 where none has data, 1 at `FEATHER` metres from the
    holes and edges of the one that reaches deepest) and f that of the fills, the mosaic shows

        (d * composites + (1 - d) * f * fills) / (d + (1 - d) * f)

    where both are blended by the weights of the mosaic. All of it depends on the place and the files alone,
    so that neighbours agree to the bit. Beyond `FEATHER` from the holes nothing is changed.

    Attributes:
        fills: by which the fills are blended.
        soft: the same, by how far they reach.
        composites: by how far the composites reach.
        used: names of the tiles whose fill shows somewhere, as the windows go by.
    """

    fills: Sequence[Contributor] = ()
    soft: Sequence[Contributor] = ()
    composites: Sequence[Contributor] = ()
    used: set[str] = field(default_factory=set)

    def of(self, target: GeoBox) -> Blended | None:
        """The blended fills of a window of the target's grid; None where there are none."""
        if not self.fills:
            return None
        fill = blend_window(target, self.fills, len(BANDS))
        return fill if fill.valid.any() else None

    def into(self, blended: Blended, fill: Blended, target: GeoBox) -> Blended:
        """The composites of a window, blended, with their holes filled."""
        here = np.where(blended.valid, _reach(self.composites, target), 0.0)
        older = np.where(fill.valid, (1 - here) * self._fill_reach(target, ~blended.valid), 0.0)
        mixed = (blended.values * here + fill.values * older) / np.where(older > 0, here + older, 1.0)
        values = np.where(older > 0, mixed, blended.values)
        return Blended(values, blended.valid | fill.valid, blended.footprints)

    def _fill_reach(self, target: GeoBox, holes: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How far the fills reach; notes whose fill shows in the holes."""
        most = np.zeros(target.shape)
        for source in self.soft:
            part = source.part(target)
            if part is not None:
                np.maximum(most, part.weight, out=most)
                if (part.weight[holes] > 0).any():
                    self.used.add(source.name)
        return most


def _reach(sources: Sequence[Contributor], target: GeoBox) -> NDArray[np.float64]:
    """The most that any contributor reaches, 0..1."""
    most = np.zeros(target.shape)
    for source in sources:
        part = source.part(target)
        if part is not None:
            np.maximum(most, part.weight, out=most)
    return most


@contextmanager
def fills_of(
    folders: Mapping[str, Path], product: str, prepare: Mapping[str, Prepare], ramps: Ramps
) -> Iterator[Fills]:
    """Open the fills of a mosaic's contributors that have one, and their composites once more.

    Args:
        folders: of the builds by tile name.
        product: name of the composite's file.
        prepare: the correction of each; its fill takes the same.
        ramps: of the blend.
    """
    paths = {name: place / FILL for name, place in folders.items() if (place / FILL).exists()}
    if not paths:
        yield Fills()
        return
    composites = {name: place / product for name, place in folders.items()}
    with ExitStack() as stack:
        fills = stack.enter_context(contributors(paths, prepare, ramps))
        soft = stack.enter_context(contributors(paths, prepare, SOFT))
        yield Fills(fills, soft, stack.enter_context(contributors(composites, prepare, SOFT)))
