"""The low zooms of a campaign: overviews of tiles, merged into chips, halved from zoom to zoom."""

from pipeline.pyramid.chips import BASE_ZOOM, SIDE, Chip, chips_of, lonlat_box, with_ancestors
from pipeline.pyramid.overview import NAME, write_overview
from pipeline.pyramid.parts import PARTS, Part, part_of
from pipeline.pyramid.store import ChipStore, merged, parent_of

__all__ = [
    "BASE_ZOOM",
    "NAME",
    "PARTS",
    "SIDE",
    "Chip",
    "ChipStore",
    "Part",
    "chips_of",
    "lonlat_box",
    "merged",
    "parent_of",
    "part_of",
    "with_ancestors",
    "write_overview",
]
