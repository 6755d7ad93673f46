"""The job that makes a delivery; what is lost on the way is queued again by the sweep."""

import shutil
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import shapely
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from pipeline.delivery.deliver import MANIFEST, Request, deliver
from pipeline.delivery.options import VECTORS, DeliveryOptions
from pipeline.delivery.source import TileSource
from pipeline.difference import COMPARED
from webapp import storage
from webapp.campaigns.jobs import attempt
from webapp.campaigns.lease import kept
from webapp.campaigns.models import Revision
from webapp.campaigns.queue import hint
from webapp.orders.accuracy import accuracy_told
from webapp.orders.models import Delivery
from webapp.orders.sources import without_source

QUEUE = "cpu"
PRODUCTS = ("mosaic.tif", "landcover.tif", "confidence.tif")
RANKS = ("provenance.tif", "fill_provenance.tif")
WHY = {
    "unreviewed": gettext_noop("waits for review"),
    "rejected": gettext_noop("was rejected in review and is made again"),
}


def hint_delivery(delivery: Delivery) -> None:
    """Tell the workers, once the transaction is over, that a delivery may be made."""
    name = f"delivery-{delivery.pk}-{delivery.fence}"
    hint(QUEUE, "webapp.orders.jobs.run_delivery", delivery.pk, name)


def hint_due() -> int:
    """Queue all deliveries that nobody works at; gives their number."""
    due = list(Delivery.objects.free().order_by("pk"))
    for delivery in due:
        hint_delivery(delivery)
    return len(due)


def run_delivery(key: int) -> None:
    """Make a delivery, if nobody else does."""
    delivery = Delivery.objects.select_related("order__campaign").filter(pk=key).first()
    if delivery and delivery.claim():
        attempt(delivery, partial(make, delivery), end)


def request_of(delivery: Delivery) -> Request:
    """What is to be delivered, with the files that it is cut from brought near."""
    sources, left_out = pin(delivery)
    before = delivery.before
    old = {one.tile_name: one.bring(*COMPARED) for one in before.revisions.all()} if before else {}
    order = delivery.order
    options = DeliveryOptions.from_json(delivery.options)
    shows_landcover = bool({"landcover", VECTORS} & set(options.layers))
    return Request(
        name=f"earthquilt-order-{order.pk}-{delivery.number}",
        area=shapely.from_wkb(bytes(order.aoi.wkb)),
        sources=sources,
        options=options,
        left_out=left_out,
        before=(before.bring(MANIFEST), old) if before else None,
        accuracy=accuracy_told(order, list(delivery.revisions.all())) if shows_landcover else (),
        terms=settings.DELIVERY_TERMS,
    )


def make(delivery: Delivery) -> None:
    """Make the files beside, and give them their folder when all are there."""
    beside = delivery.path.with_name(f".{delivery.number}-{delivery.fence}.part")
    shutil.rmtree(beside, ignore_errors=True)
    root = storage.root()
    try:
        with kept(delivery) as require:
            request = request_of(delivery)
            root.take(delivery.folder)
            manifest = deliver(request, beside, partial(tell, delivery))
            require()
            root.publish(delivery.folder, beside)
        take_over(delivery, beside, manifest)
    finally:
        root.let_go(delivery.folder)
        shutil.rmtree(beside, ignore_errors=True)


@transaction.atomic
def take_over(delivery: Delivery, beside: Path, manifest: dict) -> None:
    """End a delivery with its files, if the claim still holds."""
    values = {"report": manifest, "error": "", "step": "", "remove_after": kept_until()}
    if delivery.finish(Delivery.Status.READY, f"{len(manifest['tiles'])} tiles", **values):
        shutil.rmtree(delivery.path, ignore_errors=True)
        beside.replace(delivery.path)


def kept_until() -> datetime:
    """When files that are made now are removed."""
    return timezone.now() + timedelta(days=settings.DELIVERY_KEEP_DAYS)


def tell(delivery: Delivery, step: str) -> None:
    """Say what is being made."""
    Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence).update(step=step)


def end(delivery: Delivery, status: str, text: str) -> None:
    """End a delivery without files."""
    with transaction.atomic():
        delivery.finish(Delivery.Status.FAILED, text, error=text, step="")


def pin(delivery: Delivery) -> tuple[list[TileSource], dict[str, str]]:
    """Fix the revisions that a delivery is made from; gives them, and why other tiles are left out."""
    options = DeliveryOptions.from_json(delivery.options)
    revisions, left_out = [], {}
    same = as_before(delivery)
    for tile in delivery.order.tiles.select_related("current_revision__build").order_by("tile_id"):
        revision = same.get(tile.pk, tile.current_revision)
        if revision is None:
            why = without_source(tile.status_text, delivery.campaign.catalog)
            left_out[tile.tile_id] = why or gettext_noop("has no mosaic")
            continue
        served = ("approved", "unreviewed") if options.unreviewed else ("approved",)
        if revision.review_status not in served:
            approved = tile.revisions.filter(review_status="approved").select_related("build")
            last = approved.order_by("-number").first()
            if last is None or not last.has("mosaic.tif"):
                left_out[tile.tile_id] = WHY[revision.review_status]
                continue
            revision = last
        revisions.append(revision)
    delivery.revisions.set(revisions)
    return [source_of(one) for one in revisions], left_out


def as_before(delivery: Delivery) -> dict[int, Revision]:
    """The revisions of the delivery that is made again, by tile, where they may still be delivered."""
    if delivery.like is None:
        return {}
    rows = delivery.like.revisions.select_related("build").exclude(review_status="rejected")
    return {one.campaign_tile_id: one for one in rows if one.has("mosaic.tif")}


def source_of(revision: Revision) -> TileSource:
    """A revision as the pipeline takes it."""
    build = revision.build
    scenes = {
        one.rank: (one.scene_id, one.datetime.date()) for one in build.scenes.filter(rank__isnull=False)
    }
    for one in build.report.get("fill", {}).get("scenes", []):
        scenes[one["rank"]] = (one["id"], datetime.fromisoformat(one["datetime"]).date())
    return TileSource(
        name=revision.tile_name,
        revision=revision.number,
        folder=revision.bring(*PRODUCTS),
        build=build.bring(*RANKS),
        scenes=scenes,
        review=revision.review_status,
        report=revision.report,
    )
