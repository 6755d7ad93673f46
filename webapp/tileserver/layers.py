"""The layers that map tiles are made of: which file, which bands, which colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pipeline.evidence import MOST_SCENES
from pipeline.landcover.classes import CLASSES
from webapp.campaigns.words import CLASS_WORDS

CONFIDENCE_STOPS = ((0, "#6b1d5c"), (50, "#d1495b"), (75, "#f2b56b"), (100, "#fff7d6"))
OLDER_COLOUR = "#3b2f2f"
RANK_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")


def rgb(colour: str) -> tuple[int, int, int]:
    """Turn ``#rrggbb`` into three numbers, 0..255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def rank_colour(rank: int) -> str:
    """Give the colour of a provenance rank: a list's repeat after the seventh, older dates have one."""
    return OLDER_COLOUR if rank > MOST_SCENES else RANK_COLOURS[(rank - 1) % len(RANK_COLOURS)]


def palette_of(colours: Mapping[int, str]) -> np.ndarray:
    """Make a (256, 4) uint8 table; codes without a colour are transparent."""
    table = np.zeros((256, 4), np.uint8)
    for code, colour in colours.items():
        table[code] = (*rgb(colour), 255)
    return table


def _ramp(stops: Sequence[tuple[int, str]]) -> np.ndarray:
    """Make a (256, 4) uint8 table, linear between the stops and transparent beyond the last."""
    codes = np.arange(stops[0][0], stops[-1][0] + 1)
    table = np.zeros((256, 4), np.uint8)
    for band in range(3):
        table[codes, band] = np.interp(codes, [s[0] for s in stops], [rgb(s[1])[band] for s in stops]).round()
    table[codes, 3] = 255
    return table


@dataclass(frozen=True)
class Layer:
    """One layer of the map.

    Attributes:
        name: the word in the address.
        title: what people read.
        product: the file's name in its folder.
        folder: whose folder holds the file, a revision's or its build's.
        indexes: band numbers, from 1.
        nodata: the value that means empty.
        resampling: how pixels are brought onto the map; "nearest" for categories.
        legend: what the colours mean, as ``{"label", "colour"}``.
        palette: (256, 4) uint8 RGBA by value, or None for a picture of three bands.
        behind: name of the file, in the same folder, that shows where no tile has data in the first; it need
            not be there.
    """

    name: str
    title: str | Promise
    product: str
    indexes: tuple[int, ...]
    nodata: int
    resampling: Literal["nearest", "bilinear"]
    folder: Literal["revision", "build"] = "revision"
    legend: tuple[Mapping[str, str | Promise], ...] = ()
    palette: np.ndarray | None = None
    behind: str = ""

    @property
    def categorical(self) -> bool:
        """Whether values are codes, which must never be mixed."""
        return self.palette is not None and self.resampling == "nearest"

    def describe(self) -> dict[str, Any]:
        """Give what the map page needs to know, ready for JSON."""
        legend = [{name: str(value) for name, value in entry.items()} for entry in self.legend]
        return {"name": self.name, "title": str(self.title), "legend": legend}


def _entry(label: str | Promise, colour: str) -> Mapping[str, str | Promise]:
    return {"label": label, "colour": colour}


ORDINALS = (
    _("1st scene of the tile's list"),
    _("2nd scene of the tile's list"),
    _("3rd scene of the tile's list"),
    _("4th scene of the tile's list"),
    _("5th scene of the tile's list"),
    _("6th scene of the tile's list"),
    _("7th scene of the tile's list"),
)


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer("rgb", _("True colour"), "mosaic.tif", (1, 2, 3), 0, "bilinear"),
        Layer(
            "nir",
            _("False colour"),
            "mosaic.tif",
            (4, 1, 2),
            0,
            "bilinear",
            legend=(
                _entry(_("vigorous plants"), "#d8352a"),
                _entry(_("towns and bare ground"), "#9fb4bd"),
                _entry(_("water"), "#0b1a2b"),
            ),
        ),
        Layer(
            "landcover",
            _("Landcover"),
            "landcover.tif",
            (1,),
            0,
            "nearest",
            legend=tuple(_entry(CLASS_WORDS[item.name], item.colour) for item in CLASSES),
            palette=palette_of({item.code: item.colour for item in CLASSES}),
        ),
        Layer(
            "confidence",
            _("Confidence"),
            "confidence.tif",
            (1,),
            255,
            "bilinear",
            legend=tuple(_entry(f"{value} %", colour) for value, colour in CONFIDENCE_STOPS),
            palette=_ramp(CONFIDENCE_STOPS),
        ),
        Layer(
            "provenance",
            _("Provenance"),
            "provenance.tif",
            (1,),
            0,
            "nearest",
            folder="build",
            legend=(
                *(_entry(words, rank_colour(rank)) for rank, words in enumerate(ORDINALS, 1)),
                _entry(_("hole filled from an older date"), OLDER_COLOUR),
            ),
            palette=palette_of({rank: rank_colour(rank) for rank in range(1, 256)}),
            behind="fill_provenance.tif",
        ),
    )
}


def layers_in(product: str) -> tuple[str, ...]:
    """Give the names of the layers that a file shows."""
    return tuple(layer.name for layer in LAYERS.values() if layer.product == product)
