"""Blending of overlapping rasters by weights that depend on the place and the files alone.

The weight of a contributor at a place is `edge_weight` of the distance to its own edge x smoothstep(distance
to its nearest empty pixel), times a ramp around the meridian where another zone's tile covers the place too.
It is never zero where the contributor has data. Its share is its part of all weights.

Sharp contributors are blended in two bands (after Burt and Adelson 1983) wherever no share is above
1 - `SLIGHT` and some weight is above `ENDING`. Their smooth parts (`pipeline/lowpass.py`) are mixed by their
shares. So is their detail (value - smooth part), by shares sharpened by a smoothstep of weight / greatest
weight that starts at 1 - `STEEP`; as a mean of different details is weaker than they are, what of it is finer
than 3 x 3 pixels is brought back to the strength that theirs has on average, see `_strength`. Elsewhere, and
where the values are others, probabilities say, they are summed by shares.

Contributors are summed in order of name in float64, so that whoever computes a place gets the same bits, in
windows of any size. Where one alone has data its share is 1, and its values stay as they are to the bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.contributor import Contributor, Part, pixel_centres
from pipeline.ground import epsg_of, transformer
from pipeline.ramps import smoothstep, zone_weight
from pipeline.raster import window_geobox

FINE, BAND = 1, 2
NEAR = FINE + BAND
STEEP = 0.65
SLIGHT = 0.02
ENDING = 0.001


@dataclass(frozen=True)
class Blended:
    """A blended window.

    Attributes:
        values: float64 (bands, h, w), 0 where not valid.
        valid: bool (h, w), where any contributor has data.
        footprints: int64 (h, w), bit i set where contributor i covers the place, with data or without.
    """

    values: NDArray[np.float64]
    valid: NDArray[np.bool_]
    footprints: NDArray[np.int64]


def alone(target: GeoBox, sources: Sequence[Contributor]) -> tuple[Contributor, Window] | None:
    """The contributor that has a window of the target's grid to itself, and where that lies in it, if any."""
    meeting = [source for source in sources if source.meets(target)]
    window = meeting[0].own_window(target) if len(meeting) == 1 else None
    return None if window is None else (meeting[0], window)


def blend_window(target: GeoBox, sources: Sequence[Contributor], bands: int) -> Blended:
    """Blend a window of the target's grid from contributors in order of name."""
    if one := alone(target, sources):
        return _unblended(*one, sources.index(one[0]))
    edge = NEAR if all(source.prepare.sharp for source in sources) else 0
    grown = _padded(target, edge)
    found = parts_of(grown, sources)
    shape = grown.shape
    weights, footprints = np.zeros(shape), np.zeros(shape, np.int64)
    for position, part in found:
        weights += part.weight
        footprints |= part.inside.astype(np.int64) << position
    valid = weights > 0
    total = np.zeros((bands, *shape))
    shares = [np.divide(part.weight, weights, out=np.zeros(shape), where=valid) for _, part in found]
    for (_, part), share in zip(found, shares, strict=True):
        total += part.values * share
    if edge:
        _put_in_two_bands(total, grown, [(sources[one], part) for one, part in found], shares)
    inner = slice(edge, shape[0] - edge), slice(edge, shape[1] - edge)
    return Blended(total[(slice(None), *inner)], valid[inner], footprints[inner])


def _put_in_two_bands(
    total: NDArray[np.float64],
    target: GeoBox,
    found: Sequence[tuple[Contributor, Part]],
    shares: Sequence[NDArray[np.float64]],
) -> None:
    """Put smooth parts and detail, mixed apart, wherever more than one contributor has something to say."""
    if len(found) < 2:
        return
    # Where all of them end, their smooth parts are one-sided.
    inside = np.maximum.reduce([part.weight for _, part in found]) > ENDING
    mixed = inside & (np.maximum.reduce(shares) < 1 - SLIGHT)
    if not mixed.any():
        return
    near = _around(mixed.astype(np.float64), NEAR) > 0
    box = _bounds(near)
    near, mixed, inner = near[box], mixed[box], (slice(None), *box)
    grid = window_geobox(target, Window.from_slices(*box))
    whole, fine = np.zeros((len(total), *near.shape)), []
    sharpened = _sharpened([part.weight[box] for _, part in found])
    for (source, part), share, turn in zip(found, shares, sharpened, strict=True):
        where, low = near & (part.weight[box] > 0), np.zeros_like(whole)
        if where.any():
            low[:, where] = source.smooth(grid, where)
        detail = np.where(where, part.values[inner] - low, 0.0)
        whole += low * share[box]
        whole += detail * turn
        pixels = np.maximum(_around(where.astype(np.float64), FINE), 1.0)
        around = np.stack([_around(band, FINE) for band in detail])
        fine.append(np.where(where, detail - around / pixels, 0.0))
    mean = np.zeros_like(whole)
    for one, turn in zip(fine, sharpened, strict=True):
        mean += one * turn
    whole += mean * (_strength(fine, sharpened) - 1)
    np.copyto(total[inner], whole, where=mixed)


def _bounds(where: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns between the first and the last that hold anything."""
    rows, cols = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _sharpened(weights: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Shares of which the greatest is greater and the others are less."""
    most = np.maximum.reduce(weights)
    ratios = [np.divide(one, most, out=np.zeros_like(most), where=most > 0) for one in weights]
    turns = [smoothstep((one - (1 - STEEP)) / STEEP) for one in ratios]
    total = np.zeros_like(most)
    for one in turns:
        total += one
    return [np.divide(one, total, out=np.zeros_like(most), where=total > 0) for one in turns]


def _strength(
    details: Sequence[NDArray[np.float64]], shares: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What the mean of details by their shares is to be multiplied by (h, w).

    The root of mean square of details / square of mean detail, both over the 5 x 5 pixels around and all
    bands: 1 where all show the same. It is at most what independent details of one strength ask for.
    """
    own, mean, squares = np.zeros_like(shares[0]), np.zeros_like(shares[0]), np.zeros_like(shares[0])
    for i, (one, share) in enumerate(zip(details, shares, strict=True)):
        squares += share * share
        for j, other in enumerate(details[: i + 1]):
            product = _around((one * other).sum(axis=0), BAND)
            if i == j:
                own += share * product
            mean += (1 if i == j else 2) * share * shares[j] * product
    wanted = np.sqrt(np.divide(own, mean, out=np.ones_like(own), where=mean > 0))
    return np.minimum(wanted, 1 / np.sqrt(np.where(squares > 0, squares, 1.0)))


def _around(pixels: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Sums over the pixels up to `reach` rows and columns away from each, nothing beyond the border."""
    (height, width), padded = pixels.shape, np.pad(pixels, reach)
    rows, total = np.zeros((height, width + 2 * reach)), np.zeros((height, width))
    for first in range(2 * reach + 1):
        rows += padded[first : first + height]
    for first in range(2 * reach + 1):
        total += rows[:, first : first + width]
    return total


def _padded(target: GeoBox, pixels: int) -> GeoBox:
    """A window's grid with some pixels more on each side."""
    rows, cols = target.shape
    corner = target.affine @ Affine.translation(-pixels, -pixels)
    return GeoBox((rows + 2 * pixels, cols + 2 * pixels), corner, target.crs)


def _unblended(source: Contributor, window: Window, position: int) -> Blended:
    """A window of one contributor alone, which needs no weights."""
    stored = source.stored(window)
    valid = source.prepare.valid(stored)
    values = source.prepare.values(stored, window)
    footprints = np.full(valid.shape, 1 << position, np.int64)
    return Blended(values if valid.all() else np.where(valid, values, 0.0), valid, footprints)


def parts_of(target: GeoBox, sources: Sequence[Contributor]) -> list[tuple[int, Part]]:
    """What each source gives to a window of the target's grid, by position; weights have the zones' ramps."""
    found = [(position, part) for position, source in enumerate(sources) if (part := source.part(target))]
    zone = epsg_of(target) % 100
    foreign = np.zeros(target.shape, bool)
    for _, part in found:
        if part.zone != zone:
            foreign |= part.inside
    if foreign.any():
        ramp = _zone_ramps(target, foreign, sources[0].ramps.zone)
        for _, part in found:
            part.weight[foreign] *= ramp(part.zone)
    return found


def _zone_ramps(
    target: GeoBox, where: NDArray[np.bool_], width: float
) -> Callable[[int], NDArray[np.float64]]:
    x, y = pixel_centres(target)
    longitude, latitude = transformer(epsg_of(target), 4326).transform(x[where], y[where])
    return lambda zone: zone_weight(zone, longitude, latitude, width)
