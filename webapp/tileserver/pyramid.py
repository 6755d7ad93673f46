"""The low zooms of a view: which chip a map tile is made of, and its pixels."""

import numpy as np

from pipeline.pyramid import BASE_ZOOM, part_of
from pipeline.raster import opened
from webapp.campaigns.models import Chip, EditionChip
from webapp.campaigns.models.chip import brought
from webapp.tileserver.addresses import View
from webapp.tileserver.layers import Layer
from webapp.tileserver.once import Once
from webapp.tileserver.reader import MapTile

KEYS_IN_MEMORY = 16_384
_keys = Once(KEYS_IN_MEMORY)


def key_of(view: View, tile: MapTile) -> str | None:
    """Give the key of the chip that a map tile is made of.

    Returns:
        The key, or None where there is none: above zoom 8, without data, or not made since a revision landed.
    """
    if tile.z > BASE_ZOOM:
        return None
    if view.edition:
        number = view.edition.pk
        return _keys.get((number, tile), lambda: _key_of_edition(number, tile))
    place = {"campaign": view.campaign, "is_stale": False} | tile._asdict()
    return Chip.objects.filter(**place).values_list("key", flat=True).first() or None


def _key_of_edition(edition_id: int, tile: MapTile) -> str | None:
    """Look up what never changes."""
    place = {"edition": edition_id} | tile._asdict()
    return EditionChip.objects.filter(**place).values_list("key", flat=True).first()


def path_of(view: View, key: str) -> str:
    """Give the file of a chip, on this machine.

    Raises:
        StorageError: it cannot be had.
    """
    return str(brought(view.campaign, key).path(key))


def read_chip(path: str, layer: Layer, scale: int) -> np.ma.MaskedArray:
    """Read a layer from a chip.

    Args:
        path: the chip's file.
        layer: what to read.
        scale: 2 for the chip as it is (512 pixels), 1 for half of that.

    Returns:
        (bands, size, size) uint8, masked where empty.

    Raises:
        SourceError: the file is missing or broken.
    """
    part = part_of(layer.product)
    with opened(path) as dataset:
        values = dataset.read([part.first + index for index in layer.indexes])
    if scale == 1:
        values = part.halve(values)
    return np.ma.MaskedArray(values, mask=np.broadcast_to(~part.filled(values), values.shape))
