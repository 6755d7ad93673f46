"""One map tile of a view: what it depends on, whether that is final, and its bytes. Knows nothing of HTTP."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline.pyramid import lonlat_box
from pipeline.web_copy import FOLDER
from webapp import storage
from webapp.metrics import MAP_TILES
from webapp.tileserver import addresses, pyramid
from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.copies import copies
from webapp.tileserver.coverage import Box, Source, TooMany, paths_of
from webapp.tileserver.layers import Layer
from webapp.tileserver.pictures import MIB, Folder, Memory, Pictures
from webapp.tileserver.reader import MapTile
from webapp.tileserver.render import CONTENT_TYPES, VERSION, Format, picture_of, render_tile

# The most files that one request reads where there is no chip; seldom do more tiles meet at zoom 8.
MOST_SOURCES = 16
KEPT, MADE = (MAP_TILES.labels(source) for source in ("kept", "made"))


class NotReady(Exception):
    """The answer is still to be made; the text is one sentence."""


@dataclass(frozen=True)
class Answer:
    """A map tile that is there.

    Attributes:
        view: what it is of.
        etag: names its content.
        content_type: of its bytes.
        is_settled: whether its bytes are final; not where a product has no web-map copy yet.
        make: gives its bytes.
    """

    view: View
    etag: str
    content_type: str
    is_settled: bool
    make: Callable[[], bytes]


def find(view: View, layer: Layer, tile: MapTile, fmt: Format, scale: int) -> Answer:
    """Find what a map tile of a view is made of.

    Raises:
        NotHere: it lies outside the view's bounds.
        NotReady: it is to be made of too many files, and their chip is still to be made.
    """
    box = lonlat_box(*tile)
    if not view.coverage.reaches(box):
        raise NotHere(f"Map tile {tile.z}/{tile.x}/{tile.y} lies outside campaign {view.campaign.slug}.")
    key = pyramid.key_of(view, tile)
    if key:
        etag = etag_of(VERSION, layer.name, fmt, scale, key)
        return _answer(view, etag, fmt, True, lambda: _low(view, key, layer, fmt, scale))
    sources = _few_sources(view, tile, box)
    paths, stamps = _paths(sources, layer)
    etag = etag_of(VERSION, layer.name, tile, fmt, scale, [source.revision_id for source in sources], stamps)
    is_settled = layer.folder == "build" or None not in stamps
    return _answer(view, etag, fmt, is_settled, lambda: render_tile(paths, layer, tile, fmt, scale))


def _answer(view: View, etag: str, fmt: Format, is_settled: bool, make: Callable[[], bytes]) -> Answer:
    """Put the pictures that are kept before the making of one, where it is final."""
    if not (view.edition and is_settled):
        return Answer(view, etag, CONTENT_TYPES[fmt], is_settled, make)
    return Answer(view, etag, CONTENT_TYPES[fmt], True, lambda: _kept(etag.strip('"'), make))


def _kept(key: str, make: Callable[[], bytes]) -> bytes:
    began, kept = time.perf_counter(), pictures()
    picture = kept.get(key)
    if picture is not None:
        KEPT.observe(time.perf_counter() - began)
        return picture
    picture = make()
    kept.keep(key, picture)
    MADE.observe(time.perf_counter() - began)
    return picture


def pictures() -> Pictures:
    """Give the pictures that are kept, as the settings say where and how many."""
    folder = settings.MAP_TILE_CACHE or storage.place_of(".cache/map-tiles")
    return _pictures(Path(folder), settings.MAP_TILE_CACHE_MIB)


@lru_cache(maxsize=8)
def _pictures(folder: Path, mib: int) -> Pictures:
    return Pictures(Memory(), Folder(folder, mib * MIB))


def _paths(sources: Sequence[Source], layer: Layer) -> tuple[list[str], list[int | None]]:
    """Give the files that a layer is read from, web-map copies where there are, and the stamps of those."""
    if layer.folder == "build":
        return list(paths_of(sources, layer)), []
    root = storage.root()
    paths: list[str] = []
    stamps: list[int | None] = []
    for source in sources:
        unit = source.unit(layer)
        made = copies.of(unit)
        has_copy = made and layer.product in made.products
        paths.append(root.source(unit, f"{FOLDER}/{layer.product}" if has_copy else layer.product))
        stamps.append(made.stamp if made else None)
    return paths, stamps


def _low(view: View, key: str, layer: Layer, fmt: Format, scale: int) -> bytes:
    """Make a map tile of a low zoom from its chip."""
    return picture_of(pyramid.read_chip(pyramid.path_of(view, key), layer, scale), layer, fmt, scale)


def _few_sources(view: View, tile: MapTile, box: Box) -> list[Source]:
    """Give the sources of a map tile.

    Raises:
        NotReady: they are too many to be read at once, and their chip is still to be made.
    """
    try:
        return view.coverage.touching(box, MOST_SOURCES)
    except TooMany:
        place = f"{tile.z}/{tile.x}/{tile.y}"
        raise NotReady(f"Map tile {place} is being made; try again in a minute.") from None


def etag_of(*parts: Any) -> str:
    """Give the name of what some values decide, as HTTP writes it."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def parse(layer: str, z: str, x: str, name: str) -> tuple[Layer, MapTile, Format, int]:
    """Read the end of an address.

    Raises:
        NotHere: it names no map tile.
    """
    return (addresses.parse_layer(layer), *addresses.parse_map_tile(z, x, name))
