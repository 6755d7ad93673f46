"""The layers that map tiles are made of: which file, which bands, which colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.evidence import MOST_SCENES
from pipeline.landcover.classes import CLASSES

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
    title: str
    product: str
    indexes: tuple[int, ...]
    nodata: int
    resampling: Literal["nearest", "bilinear"]
    folder: Literal["revision", "build"] = "revision"
    legend: tuple[Mapping[str, str], ...] = ()
    palette: np.ndarray | None = None
    behind: str = ""

    @property
    def categorical(self) -> bool:
        """Whether values are codes, which must never be mixed."""
        return self.palette is not None and self.resampling == "nearest"

    def describe(self) -> dict[str, Any]:
        """Give what the map page needs to know, ready for JSON."""
        return {"name": self.name, "title": self.title, "legend": [dict(entry) for entry in self.legend]}


def _entry(label: str, colour: str) -> Mapping[str, str]:
    return {"label": label, "colour": colour}


def _ordinal(rank: int) -> str:
    return f"{rank}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(rank, 'th') } scene of the tile's list"


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer("rgb", "True colour", "mosaic.tif", (1, 2, 3), 0, "bilinear"),
        Layer(
            "nir",
            "False colour",
            "mosaic.tif",
            (4, 1, 2),
            0,
            "bilinear",
            legend=(
                _entry("vigorous plants", "#d8352a"),
                _entry("towns and bare ground", "#9fb4bd"),
                _entry("water", "#0b1a2b"),
            ),
        ),
        Layer(
            "landcover",
            "Landcover",
            "landcover.tif",
            (1,),
            0,
            "nearest",
            legend=tuple(_entry(item.name, item.colour) for item in CLASSES),
            palette=palette_of({item.code: item.colour for item in CLASSES}),
        ),
        Layer(
            "confidence",
            "Confidence",
            "confidence.tif",
            (1,),
            255,
            "bilinear",
            legend=tuple(_entry(f"{value} %", colour) for value, colour in CONFIDENCE_STOPS),
            palette=_ramp(CONFIDENCE_STOPS),
        ),
        Layer(
            "provenance",
            "Provenance",
            "provenance.tif",
            (1,),
            0,
            "nearest",
            folder="build",
            legend=(
                *(_entry(_ordinal(rank), rank_colour(rank)) for rank in range(1, 8)),
                _entry("hole filled from an older date", OLDER_COLOUR),
            ),
            palette=palette_of({rank: rank_colour(rank) for rank in range(1, 256)}),
            behind="fill_provenance.tif",
        ),
    )
}


def layers_in(product: str) -> tuple[str, ...]:
    """Give the names of the layers that a file shows."""
    return tuple(layer.name for layer in LAYERS.values() if layer.product == product)
