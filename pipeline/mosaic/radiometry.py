"""Scenes of one tile brought to the radiometry of the first one (paper, 2.3).

What differs between two dates of one place besides clouds is the air (light added, and some taken), the
angle of view, and the ground itself. The first two change slowly over the tile; the third is local, and is
kept out by robust weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from scipy import sparse

from pipeline.ground import Cells
from pipeline.mosaic.fields import Axis, field
from pipeline.parallel import in_order

SPACING = 22_000.0
LEAST_SHARED_CELLS = 8
MOST_EVIDENCE = 4_000.0
GAIN_HOLD, OFFSET_HOLD = 0.3, 0.02
GAIN_BEND, OFFSET_BEND = 0.01, 0.001
DARKEST = 1e-3
LEAST_SPREAD = 0.1
LEAST_NOISE = 0.002
ROUNDS = 8


@dataclass(frozen=True)
class Nodes:
    """Control points over a tile, between which a field is bilinear.

    Attributes:
        left, top: easting and northing of the first one.
        step: metres between two.
        shape: rows and columns.
    """

    left: float
    top: float
    step: float
    shape: tuple[int, int]

    @classmethod
    def over(cls, geobox: GeoBox) -> "Nodes":
        """Nodes `SPACING` apart or a little less, from corner to corner of a grid."""
        rows, cols = geobox.shape
        side = max(rows, cols) * geobox.affine.a
        count = int(np.ceil(side / SPACING))
        return cls(geobox.affine.c, geobox.affine.f, side / count, (count + 1, count + 1))

    def shares(self, offsets: NDArray[np.floating], count: int) -> NDArray[np.float64]:
        """How much each of `count` nodes has to say at places along one axis, float64 (places, count).

        Args:
            offsets: metres from the first node; what lies beyond the last ones is as they are.
            count: nodes along the axis.
        """
        place = np.clip(np.asarray(offsets, np.float64) / self.step, 0, count - 1)
        return np.maximum(1 - np.abs(place[:, None] - np.arange(count)), 0)

    def places(self, geobox: GeoBox, window: Window | None = None) -> tuple[Axis, Axis]:
        """Where the rows and the columns of a grid, or of a window of it, lie between the nodes."""
        (top, left), (rows, cols) = (0, 0), geobox.shape
        if window is not None:
            (top, left), (rows, cols) = (window.row_off, window.col_off), (window.height, window.width)
        x = geobox.affine.c + (np.arange(left, left + cols) + 0.5) * geobox.affine.a - self.left
        y = self.top - (geobox.affine.f + (np.arange(top, top + rows) + 0.5) * geobox.affine.e)
        return Axis.of(y / self.step, self.shape[0]), Axis.of(x / self.step, self.shape[1])


@dataclass(frozen=True)
class SmoothCorrection:
    """What brings a scene to the radiometry of the first: reflectance * gain + offset, fields by band.

    Attributes:
        nodes: where the fields are given.
        gain, offset: float64 (4, node rows, node cols); offset in reflectance.
    """

    nodes: Nodes
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def identity(cls, nodes: Nodes) -> "SmoothCorrection":
        """The correction that changes nothing."""
        return cls(nodes, np.ones((4, *nodes.shape)), np.zeros((4, *nodes.shape)))

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return bool((self.gain != 1).any() or (self.offset != 0).any())

    def apply(self, reflectance: NDArray[np.float32], geobox: GeoBox) -> NDArray[np.float32]:
        """Corrected reflectance (4, h, w) on its grid; NaN stays NaN."""
        if not self.changes:
            return reflectance
        rows, cols = self.nodes.places(geobox)
        corrected = np.empty_like(reflectance)
        for band, values in enumerate(reflectance):
            np.multiply(values, field(self.gain[band], rows, cols), out=corrected[band])
            corrected[band] += field(self.offset[band], rows, cols)
        return corrected

    def to_json(self) -> dict[str, Any]:
        """Mean gains and offsets by band and how far the fields move from them, for a report."""
        return {
            "gain": self.gain.mean(axis=(1, 2)).round(6).tolist(),
            "offset": self.offset.mean(axis=(1, 2)).round(6).tolist(),
            "gain_range": np.ptp(self.gain, axis=(1, 2)).round(6).tolist(),
            "offset_range": np.ptp(self.offset, axis=(1, 2)).round(6).tolist(),
        }


def scene_corrections(scenes: Iterable[Cells], geobox: GeoBox) -> list[SmoothCorrection]:
    """A correction for each scene, in order; the first keeps its radiometry.

    Each further scene is compared, over clear land, with what the scenes before it show together; one that
    shares too little ground stays as it is.

    Args:
        scenes: cell means of the clear land of each scene, in order of rank, all on the same cells.
        geobox: the tile's grid.
    """
    nodes = Nodes.over(geobox)
    corrections: list[SmoothCorrection] = []
    reference: Cells | None = None
    for cells in scenes:
        correction = SmoothCorrection.identity(nodes)
        if reference is not None and (reference.usable & cells.usable).sum() >= LEAST_SHARED_CELLS:
            correction = fit(reference, cells, nodes)
        corrections.append(correction)
        reference = _joined(reference, cells, correction)
    return corrections


def fit(reference: Cells, other: Cells, nodes: Nodes) -> SmoothCorrection:
    """The smooth correction that brings `other` to `reference`.

    With r and s the means of a cell in the reference and the other, and m the geometric mean of both, the log
    gain l and the offset o, bilinear between the nodes, are band by band the least of

        sum_c v_c (m (log s - log r + l) + o)^2 / n^2
        + sum_ij (l_i - l_j)^2 / b_l^2 + (o_i - o_j)^2 / b_o^2 + sum_i l_i^2 / h_l^2 + o_i^2 / h_o^2

    with ij neighbouring nodes. To first order that makes exp(l) s + o equal to r, and noise does not draw the
    gains towards 0. v_c are Huber's weights, found by repeated solving; n is the spread of what is left.
    Cells whose ratio is far from the median one are left out, and all together count as `MOST_EVIDENCE`
    at most, since change on the ground is not independent from cell to cell.
    """
    shared = reference.usable & other.usable
    rows, cols = np.nonzero(shared)
    down = nodes.shares(
        (reference.row + rows + 0.5) * reference.size + nodes.top - _south(reference), nodes.shape[0]
    )
    across = nodes.shares((reference.column + cols + 0.5) * reference.size - nodes.left, nodes.shape[1])
    shares = (down[:, :, None] * across[:, None, :]).reshape(rows.size, -1)

    def solved(band: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        first = np.maximum(reference.mean[band][shared].astype(np.float64), DARKEST)
        second = np.maximum(other.mean[band][shared].astype(np.float64), DARKEST)
        log_gain, added = _solve(np.sqrt(first * second), np.log(second / first), shares, nodes.shape)
        return np.exp(log_gain).reshape(nodes.shape), added.reshape(nodes.shape)

    gain, offset = (
        np.stack(fields) for fields in zip(*(found for _, found in in_order(solved, range(4))), strict=True)
    )
    return SmoothCorrection(nodes, gain, offset)


def _south(cells: Cells) -> float:
    """What turns a southing of the cells' zone into minus a northing of its CRS."""
    return 10_000_000.0 if cells.epsg // 100 == 327 else 0.0


def _solve(
    mean: NDArray[np.float64], ratio: NDArray[np.float64], shares: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log gain and offset at the nodes in one band; see `fit`."""
    off = np.abs(ratio - np.median(ratio))
    kept = off <= max(3 * 1.4826 * float(np.median(off)), LEAST_SPREAD)
    nodes = shares.shape[1]
    hats = sparse.csr_array(shares[kept])
    design = sparse.hstack([hats.multiply(mean[kept][:, None]), hats], format="csr")
    wanted = -(mean * ratio)[kept]
    held = _smoothness(shape)
    unknown: NDArray[np.float64] = np.zeros(2 * nodes)
    unknown[:nodes] = -np.median(ratio)
    for _ in range(ROUNDS):
        rest = np.abs(wanted - design @ unknown)
        noise = max(1.4826 * float(np.median(rest)), LEAST_NOISE)
        weight = min(1.0, MOST_EVIDENCE / wanted.size) / (noise * np.maximum(rest, noise))
        weighted = design.multiply(weight[:, None]).T.tocsr()
        unknown = np.linalg.solve((weighted @ design).toarray() + held, weighted @ wanted)
    return unknown[:nodes], unknown[nodes:]


def _smoothness(shape: tuple[int, int]) -> NDArray[np.float64]:
    """The normal matrix that holds neighbouring nodes together, and all to the identity."""
    rows, cols = shape
    pairs = sparse.kron(sparse.eye_array(rows), _chain(cols)) + sparse.kron(
        _chain(rows), sparse.eye_array(cols)
    )
    bend, one = pairs.toarray(), np.eye(rows * cols)
    parts = [
        bend / GAIN_BEND**2 + one / GAIN_HOLD**2,
        bend / OFFSET_BEND**2 + one / OFFSET_HOLD**2,
    ]
    return np.block([[parts[0], np.zeros_like(bend)], [np.zeros_like(bend), parts[1]]])


def _chain(length: int) -> sparse.dia_array:
    """The sum of (x_i - x_j)^2 over neighbours of a row, as a matrix."""
    ends = np.full(length, 2.0)
    ends[[0, -1]] = 1.0
    return sparse.diags_array([-np.ones(length - 1), ends, -np.ones(length - 1)], offsets=[-1, 0, 1])


def _joined(reference: Cells | None, cells: Cells, correction: SmoothCorrection) -> Cells:
    """The reference with its gaps filled from a corrected scene."""
    corrected = correction.apply(cells.mean, cells_geobox(cells))
    if reference is None:
        return Cells(**{**vars(cells), "mean": corrected})
    gaps = ~reference.usable & cells.usable
    return Cells(
        **{
            **vars(reference),
            "mean": np.where(gaps, corrected, reference.mean),
            "count": np.where(gaps, cells.count, reference.count),
            "land": np.where(gaps, cells.land, reference.land),
        }
    )


def cells_geobox(cells: Cells) -> GeoBox:
    """The grid on which cell means lie."""
    top = _south(cells) - cells.row * cells.size
    affine = Affine(cells.size, 0, cells.column * cells.size, 0, -cells.size, top)
    return GeoBox(cells.count.shape, affine, f"EPSG:{cells.epsg}")
