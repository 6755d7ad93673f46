"""Polygons with thresholds, and the masks that they make."""

import numpy as np
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry import Polygon

from script.lib.say import Trouble

CLASSES = {"clear": 0, "cloud": 1, "shadow": 2, "unknown": 255}
UNKNOWN = CLASSES["unknown"]
EVERYWHERE = "all"
# Bands ring so far beside the edge of a swath, which is told by its size from zeros in deep shadow.
EDGE = 3
WIDE = 100


def mask(shapes: list[dict], measures: dict[str, np.ndarray]) -> np.ndarray:
    """Draw the shapes of one window, one over the other.

    A shape is {"class": one of `CLASSES`, "area": "all" or corners [[x, y], ...] in pixels, 0, 0 being the
    outer corner of the upper-left pixel, "where": tests (none: the whole area), "smallest": patches of fewer
    pixels (8 neighbours) become unknown}. A test is {"measure": NAME, "above": [LOW, HIGH]} or {"measure":
    NAME, "below": [LOW, HIGH]}: between both values nobody can tell. A pixel that passes all tests takes the
    class; one that passes them only by the weaker values becomes unknown; others stay as they were.

    Args:
        shapes: as above, in the order in which they are drawn.
        measures: by name, of one shape; NaN is no data.

    Returns:
        uint8, clear where no shape says otherwise, unknown without data and beside the edge of a swath.
    """
    first = next(iter(measures.values()))
    drawn = np.zeros(first.shape, np.uint8)
    for shape in shapes:
        if shape.get("class") not in CLASSES:
            raise Trouble(f"{shape.get('class')!r} is no class: one of {', '.join(CLASSES)} is wanted.")
        inside = _inside(shape["area"], first.shape)
        tests = [_passed(test, measures) for test in shape.get("where", [])]
        sure = np.logical_and.reduce([inside, *(test[0] for test in tests)])
        maybe = np.logical_and.reduce([inside, *(test[1] for test in tests)])
        sure &= ~_specks(sure, shape.get("smallest", 1))
        drawn[maybe] = UNKNOWN
        drawn[sure] = CLASSES[shape["class"]]
    empty = np.isnan(first)
    beside = ndimage.binary_dilation(empty & ~_specks(empty, WIDE), np.ones((3, 3)), EDGE)
    drawn[empty | beside] = UNKNOWN
    return drawn


def _inside(area: str | list, size: tuple[int, ...]) -> np.ndarray:
    if area == EVERYWHERE:
        return np.ones(size, bool)
    polygon = Polygon(area)
    if not polygon.is_valid:
        raise Trouble(f"The corners {area} make no polygon: its edges cross.")
    return rasterize([polygon], out_shape=size, dtype="uint8").astype(bool)


def _specks(chosen: np.ndarray, smallest: int) -> np.ndarray:
    """Pixels of the patches that have fewer than `smallest` pixels."""
    patches, _ = ndimage.label(chosen, np.ones((3, 3)))
    return chosen & (np.bincount(patches.ravel()) < smallest)[patches]


def _passed(test: dict, measures: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where a test is passed by its stronger and by its weaker value."""
    if test["measure"] not in measures:
        raise Trouble(f"There is no measure {test['measure']!r}: one of {', '.join(measures)} is wanted.")
    values = measures[test["measure"]]
    if "above" in test:
        low, high = test["above"]
        return values > high, values > low
    low, high = test["below"]
    return values < low, values < high
