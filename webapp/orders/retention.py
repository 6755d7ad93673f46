"""Old files of deliveries: told of before, removed when it is time, and what killed workers left swept."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from django.db.models import RestrictedError
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils import timezone
from redis.exceptions import RedisError

from webapp import storage
from webapp.campaigns.models import Revision
from webapp.campaigns.queue import hint
from webapp.orders.jobs import QUEUE, kept_until
from webapp.orders.models import Delivery

log = logging.getLogger(__name__)

FOLDER = "deliveries"
PART = ".part"
EVERY_SECONDS = 600
LOOKED_KEY = "earthquilt:deliveries-looked-at"
LEAST_WARNING = timedelta(days=1)

# Sent in the transaction that notes it, with a delivery whose files are removed soon.
goes_soon = Signal()


def hint_retention() -> None:
    """Queue the look at old files, unless one was queued a short while ago."""
    try:
        connection = django_rq.get_connection(QUEUE)
        if not connection.set(LOOKED_KEY, "1", nx=True, ex=EVERY_SECONDS):
            return
    except RedisError:
        return
    hint(QUEUE, "webapp.orders.retention.run_retention", 0, "deliveries-retention")


def run_retention(key: int = 0) -> None:
    """Tell of deliveries that go soon, remove those whose time is over, and what nobody made to the end."""
    date_old()
    warn()
    remove_old()
    remove_orphans()


def date_old() -> None:
    """Give ready deliveries without a day of removal one; it lies ahead, so that they are told of first."""
    undated = Delivery.objects.filter(status=Delivery.Status.READY, remove_after__isnull=True)
    undated.update(remove_after=kept_until())


def warn() -> int:
    """Tell of deliveries that go within `DELIVERY_TOLD_DAYS`, each once; gives their number.

    What is told of late, as no worker ran, is kept for a day more.
    """
    now, told_before = timezone.now(), timedelta(days=settings.DELIVERY_TOLD_DAYS)
    untold = Delivery.objects.filter(status=Delivery.Status.READY, is_told=False)
    rows = untold.filter(remove_after__lte=now + told_before).select_related(
        "order__customer", "order__campaign"
    )
    number = 0
    for delivery in rows.order_by("pk"):
        delivery.remove_after = max(delivery.remove_after, now + min(told_before, LEAST_WARNING))
        with transaction.atomic():
            if untold.filter(pk=delivery.pk).update(is_told=True, remove_after=delivery.remove_after):
                goes_soon.send(sender=Delivery, delivery=delivery)
                number += 1
    return number


def remove_old() -> int:
    """Remove the files of deliveries whose day has come; gives their number."""
    due = Delivery.objects.filter(status=Delivery.Status.READY, is_told=True, remove_after__lte=Now())
    number = 0
    for delivery in due.order_by("pk"):
        # Once the row says so nobody reads them, and what a crash leaves is an orphan.
        if delivery.move(Delivery.Status.REMOVED, "its time was over"):
            storage.root().remove(delivery.folder)
            number += 1
    return number


def remove_orphans() -> list[str]:
    """Remove folders that no delivery has or is making; gives their names below the storage root."""
    removed = []
    for folder in orphans():
        log.info("Removing %s, which belongs to no delivery.", folder)
        storage.root().remove(folder)
        removed.append(folder)
    return removed


def orphans() -> Iterator[str]:
    """Folders of deliveries that are gone, were not made, or were begun by a worker that is dead."""
    root = storage.root()
    for order in root.children(FOLDER):
        if not order.isdecimal():
            continue
        inside = root.children(f"{FOLDER}/{order}")
        # Read after the folder, so that what began meanwhile is known.
        rows = {one.number: one for one in Delivery.objects.filter(order=int(order))}
        yield from (f"{FOLDER}/{order}/{name}" for name in inside if _is_orphan(name, rows))


def _is_orphan(name: str, rows: dict[int, Delivery]) -> bool:
    if name.startswith(".") and name.endswith(PART):
        number, _, fence = name.removeprefix(".").removesuffix(PART).partition("-")
        row = rows.get(int(number)) if number.isdecimal() else None
        return row is None or row.status != Delivery.Status.RUNNING or str(row.fence) != fence
    if not name.isdecimal():
        return False
    row = rows.get(int(name))
    return row is None or row.status in (Delivery.Status.FAILED, Delivery.Status.REMOVED)


def keep_what_is_delivered(sender: Any, instance: Revision, **kwargs: Any) -> None:
    """Refuse to forget a revision that a delivery was made from: it could not be made again.

    Raises:
        RestrictedError: a delivery needs it.
    """
    needed = list(instance.deliveries.exclude(status=Delivery.Status.FAILED)[:3])
    if needed:
        raise RestrictedError(f"{instance} belongs to {', '.join(map(str, needed))}.", set(needed))
