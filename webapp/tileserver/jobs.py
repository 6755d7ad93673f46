"""The job of RQ that packs an edition into one file."""

import logging
from pathlib import Path

from pipeline.errors import EarthquiltError
from webapp import storage
from webapp.campaigns.models import Edition
from webapp.campaigns.queue import hint
from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.export import export
from webapp.tileserver.layers import LAYERS

log = logging.getLogger(__name__)

QUEUE = "cpu"
FORMAT = "webp"


def packed_name(edition: Edition, layer: str, kind: str) -> str:
    """Give the file of a packed layer of an edition, below the storage root."""
    return f"{edition.campaign.slug}/exports/{edition.number}-{layer}.{kind}"


def packed_path(edition: Edition, layer: str, kind: str) -> Path:
    """Give the place of a packed layer on this machine."""
    return storage.place_of(packed_name(edition, layer, kind))


def hint_export(edition: Edition, layer: str, kind: str) -> None:
    """Queue the packing of a layer, once the transaction is over."""
    key = f"{edition.pk}:{layer}:{kind}"
    hint(QUEUE, "webapp.tileserver.jobs.run_export", key, f"export-{key.replace(':', '-')}")


def run_export(key: str) -> None:
    """Pack a layer of an edition, unless it is there."""
    number, layer, kind = key.split(":")
    edition = Edition.objects.standing().select_related("campaign").filter(pk=int(number)).first()
    root = storage.root()
    if edition is None or root.size("", packed_name(edition, layer, kind)) is not None:
        return
    try:
        view = View(edition.campaign, edition)
        count = export(view, LAYERS[layer], FORMAT, packed_path(edition, layer, kind))
        root.keep(packed_name(edition, layer, kind))
        log.info("%s, %s: %d map tiles packed", edition, layer, count)
    except (EarthquiltError, NotHere) as error:
        log.error("%s, %s cannot be packed: %s", edition, layer, error)
