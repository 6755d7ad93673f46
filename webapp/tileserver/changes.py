"""What two editions show differently, as map tiles of its own layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rasterio.errors import RasterioError

from pipeline.difference import MOVED
from pipeline.landcover.classes import CLASSES
from pipeline.pyramid import lonlat_box
from webapp.campaigns.words import CLASS_WORDS
from webapp.tileserver import pyramid
from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.coverage import Source, TooMany
from webapp.tileserver.layers import LAYERS, Layer, palette_of
from webapp.tileserver.maptiles import MOST_SOURCES, NotReady
from webapp.tileserver.reader import MapTile, read_tile
from webapp.tileserver.render import SIZE, picture_of

VERSION = 1
LOST = 7
LOST_COLOUR = "#7a1f6b"
# From how many levels on, in any band, a pixel of the mosaic has which code and colour.
STEPS: tuple[tuple[int, str], ...] = (
    (MOVED + 1, "#fde725"),
    (9, "#fd8d3c"),
    (25, "#e31a1c"),
    (65, "#800026"),
)
GAINED, MOSAIC_LOST = len(STEPS) + 1, len(STEPS) + 2
GAINED_COLOUR = "#2c7fb8"

_CLASS_COLOURS = {item.code: item.colour for item in CLASSES}
_CLASS_LEGEND = tuple({"label": CLASS_WORDS[item.name], "colour": item.colour} for item in CLASSES)
_LOST = {"label": _("no data any more"), "colour": LOST_COLOUR}


def _words(number: int) -> str:
    first = STEPS[number][0]
    if number + 1 < len(STEPS):
        return gettext("%(first)d to %(last)d levels") % {"first": first, "last": STEPS[number + 1][0] - 1}
    return gettext("%(first)d levels and more") % {"first": first}


_told = lazy(_words, str)


CHANGES: Mapping[str, Layer] = {
    layer.name: layer
    for layer in (
        replace(
            LAYERS["landcover"],
            name="classes-after",
            title=_("Changed classes, as they are now"),
            legend=(*_CLASS_LEGEND, _LOST),
            palette=palette_of({**_CLASS_COLOURS, LOST: LOST_COLOUR}),
        ),
        replace(
            LAYERS["landcover"],
            name="classes-before",
            title=_("Changed classes, as they were"),
            legend=_CLASS_LEGEND,
            palette=palette_of(_CLASS_COLOURS),
        ),
        Layer(
            "mosaic-change",
            _("Changes of the mosaic"),
            "mosaic.tif",
            (1, 2, 3, 4),
            0,
            "nearest",
            legend=(
                *({"label": _told(number), "colour": colour} for number, (_, colour) in enumerate(STEPS)),
                {"label": _("data where there was none"), "colour": GAINED_COLOUR},
                _LOST,
            ),
            palette=palette_of(
                {number: colour for number, (_, colour) in enumerate(STEPS, start=1)}
                | {GAINED: GAINED_COLOUR, MOSAIC_LOST: LOST_COLOUR}
            ),
        ),
    )
}
Pair = tuple[np.ma.MaskedArray | None, np.ma.MaskedArray | None]


def change_tile(before: View, after: View, layer: Layer, tile: MapTile) -> bytes:
    """Draw what changed, as WebP of 256 pixels, transparent where nothing did.

    Args:
        before: an edition.
        after: another of the same campaign.
        layer: of `CHANGES`.
        tile: the map tile.

    Raises:
        NotHere: it lies outside both.
        NotReady: it is to be made of too many files.
        rasterio.errors.RasterioIOError: a file cannot be read.
        SourceError: a chip cannot be read.
    """
    box = lonlat_box(*tile)
    if not (before.coverage.reaches(box) or after.coverage.reaches(box)):
        raise NotHere(f"Map tile {tile.z}/{tile.x}/{tile.y} lies outside campaign {after.campaign.slug}.")
    codes = np.zeros((SIZE, SIZE), np.uint8)
    for pair in _pairs(before, after, layer, tile):
        found = codes_of(layer, *pair)
        codes = np.where(codes == 0, found, codes)
    shown = np.ma.MaskedArray(codes[None], mask=codes[None] == 0)
    return picture_of(shown, layer, "webp", 1)


def _pairs(before: View, after: View, layer: Layer, tile: MapTile) -> list[Pair]:
    """Values before and after: of the low zoom's chip, or of each tile whose revision is another."""
    keys = [pyramid.key_of(view, tile) for view in (before, after)]
    if any(keys):
        if keys[0] == keys[1]:
            return []
        return [tuple(_chip(view, key, layer) for view, key in zip((before, after), keys, strict=True))]  # type: ignore[list-item]
    old, new = ({one.tile: one for one in _sources(view, tile)} for view in (before, after))
    names = sorted(name for name in old.keys() | new.keys() if not _same(old.get(name), new.get(name)))
    return [(_read(old.get(name), layer, tile), _read(new.get(name), layer, tile)) for name in names]


def _same(one: Source | None, other: Source | None) -> bool:
    return one is not None and other is not None and one.revision_id == other.revision_id


def _chip(view: View, key: str | None, layer: Layer) -> np.ma.MaskedArray | None:
    return pyramid.read_chip(pyramid.path_of(view, key), layer, 1) if key else None


def _sources(view: View, tile: MapTile) -> Sequence[Source]:
    try:
        return view.coverage.touching(lonlat_box(*tile), MOST_SOURCES)
    except TooMany:
        raise NotReady("Too many tiles lie there: look from nearer.") from None


def _read(source: Source | None, layer: Layer, tile: MapTile) -> np.ma.MaskedArray | None:
    """Read a product itself, never its web copy, for only one of two revisions may have one."""
    if source is None:
        return None
    try:
        return read_tile([source.path(layer)], layer, tile, SIZE)
    except RasterioError:
        return None


def codes_of(layer: Layer, old: np.ma.MaskedArray | None, new: np.ma.MaskedArray | None) -> np.ndarray:
    """What changed at each pixel, as codes of a layer of `CHANGES`, uint8 (h, w); 0 where nothing did."""
    old_data, old_valid = _plain(old, layer)
    new_data, new_valid = _plain(new, layer)
    if layer.product == "landcover.tif":
        changed = (old_valid | new_valid) & ((old_data[0] != new_data[0]) | (old_valid != new_valid))
        if layer.name == "classes-before":
            return np.where(changed & old_valid, old_data[0], 0).astype(np.uint8)
        return np.where(changed, np.where(new_valid, new_data[0], LOST), 0).astype(np.uint8)
    steps = np.abs(old_data.astype(np.int16) - new_data).max(axis=0)
    codes = np.searchsorted([first for first, _ in STEPS], steps, side="right").astype(np.uint8)
    codes[~(old_valid & new_valid)] = 0
    codes[new_valid & ~old_valid] = GAINED
    codes[old_valid & ~new_valid] = MOSAIC_LOST
    return codes


def _plain(values: np.ma.MaskedArray | None, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Values, 0 where empty, and where there is data."""
    if values is None:
        return np.zeros((len(layer.indexes), SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), bool)
    valid = ~np.ma.getmaskarray(values).any(axis=0)
    return np.where(valid, values.data, 0).astype(np.uint8), valid
