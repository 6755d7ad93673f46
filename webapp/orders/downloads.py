"""The files of deliveries: signed links that expire, whole or by range of bytes, or all as one zip."""

import mimetypes
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from zipstream import ZipStream

from pipeline.delivery.deliver import MANIFEST
from pipeline.delivery.options import DeliveryOptions
from webapp import storage
from webapp.orders.jobs import hint_delivery
from webapp.orders.models import Delivery, Order
from webapp.tileserver.products import ranged

if TYPE_CHECKING:
    from webapp.accounts.models import User

SALT = "earthquilt.delivery"
Body = Callable[[int, int], Iterable[bytes]]


@transaction.atomic
def ask_again(delivery: Delivery, by: "User | None") -> Delivery:
    """Ask once more for files that were removed, and tell the workers.

    Raises:
        UsageError: they were not removed, or a delivery of the order is under way.
    """
    made = delivery.again(by)
    hint_delivery(made)
    return made


@transaction.atomic
def ask_delivery(order: Order, options: DeliveryOptions, by: "User | None") -> Delivery:
    """Ask for an order's files, and tell the workers.

    Raises:
        UsageError: the order is not ready, or a delivery of it is under way.
    """
    delivery = Delivery.begin(order, options, by)
    hint_delivery(delivery)
    return delivery


def address_of(delivery: Delivery, name: str | None = None) -> str:
    """A link to a file of a delivery, or to all as one zip, that works for `DELIVERY_LINK_SECONDS`."""
    token = signing.dumps(delivery.pk, salt=SALT)
    if name is None:
        return reverse("delivery-zip", args=[token])
    return reverse("delivery-file", args=[token, name])


def expiry() -> datetime:
    """When a link that is made now ends."""
    return timezone.now() + timedelta(seconds=settings.DELIVERY_LINK_SECONDS)


@require_safe
def delivered_file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """One file, or the range of its bytes that is asked for, to go on where a download broke off."""
    delivery = _delivery_of(token)
    if delivery is None or delivery.status == Delivery.Status.REMOVED:
        return _gone(request, delivery)
    listed = {one["name"]: one for one in delivery.manifest.get("files", [])}
    root = storage.root()
    size = root.size(delivery.folder, name) if name in listed else None
    if size is None:
        raise Http404
    etag = f'"{delivery.pk}-{delivery.fence}-{listed[name]["sha256"][:16]}"'
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _given(request, name, kind, etag, size, partial(root.read, delivery.folder, name))


@require_safe
def delivered_zip(request: HttpRequest, token: str) -> HttpResponseBase:
    """All files as one zip, stored and not packed again, so that its length is known beforehand.

    From a bucket it comes whole only: the times of its entries are those of the answer, so that parts of two
    would not fit together.
    """
    delivery = _delivery_of(token)
    if delivery is None or delivery.status == Delivery.Status.REMOVED:
        return _gone(request, delivery)
    packed, folder = ZipStream(sized=True), delivery.manifest["name"]
    name, root = f"{folder}.zip", storage.root()
    if settings.STORAGE_BUCKET:
        for file, size in _sizes(delivery):
            content = root.read(delivery.folder, file, 0, size - 1)
            packed.add(content, arcname=f"{folder}/{file}", size=size)
        headers = {"Content-Length": str(len(packed)), "Cache-Control": "private, no-transform"}
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        given = () if request.method == "HEAD" else packed
        return StreamingHttpResponse(given, content_type="application/zip", headers=headers)
    for file, _ in _sizes(delivery):
        packed.add_path(str(delivery.path / file), arcname=f"{folder}/{file}")
    etag = f'"{delivery.pk}-{delivery.fence}-zip"'
    return _given(
        request, name, "application/zip", etag, len(packed), lambda *part: part_of_stream(packed, *part)
    )


def _given(request: HttpRequest, name: str, kind: str, etag: str, size: int, body: Body) -> HttpResponseBase:
    """Bytes from `body(first, last)`: all, or the range that is asked for."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-transform"}
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return ranged(request, headers, kind, size, body)


def part_of_stream(chunks: Iterable[bytes], first: int, last: int) -> Iterator[bytes]:
    """The bytes from first to last of what comes in pieces; those before are made and let go."""
    at = 0
    for chunk in chunks:
        yield_from, yield_to = max(first - at, 0), last + 1 - at
        if some := chunk[yield_from:yield_to]:
            yield some
        at += len(chunk)
        if at > last:
            return


def _sizes(delivery: Delivery) -> Iterator[tuple[str, int]]:
    """The files of a delivery with their bytes.

    Raises:
        Http404: one is gone.
    """
    for name in [*(one["name"] for one in delivery.manifest.get("files", [])), MANIFEST]:
        size = storage.root().size(delivery.folder, name)
        if size is None:
            raise Http404
        yield name, size


def _delivery_of(token: str) -> Delivery | None:
    """The delivery of a link; None where the link is too old.

    Raises:
        Http404: nobody has signed it, or the delivery is not there.
    """
    try:
        key = signing.loads(token, salt=SALT, max_age=settings.DELIVERY_LINK_SECONDS)
    except signing.SignatureExpired:
        return None
    except signing.BadSignature as error:
        raise Http404 from error
    served = (Delivery.Status.READY, Delivery.Status.REMOVED)
    delivery = Delivery.objects.filter(pk=key, status__in=served).first()
    if delivery is None:
        raise Http404
    return delivery


def _gone(request: HttpRequest, delivery: Delivery | None) -> HttpResponse:
    """410 with where to find a new link, or to have removed files made again."""
    return render(request, "orders/expired.html", {"delivery": delivery}, status=410)
