"""Writing notices, in the transaction that ends what they tell of."""

import json
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse
from django.utils import timezone

from webapp.campaigns.models import Event
from webapp.notices import kinds
from webapp.notices.jobs import hint_notice
from webapp.notices.models import Endpoint, MailChoice, Notice
from webapp.orders.downloads import address_of, expiry
from webapp.orders.models import Delivery, Order


def on_event(sender: Any, instance: Event, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Write the notices of a line of the history that ends an order or a delivery."""
    kind = kinds.OF_EVENT.get((instance.subject, instance.after))
    if not created or raw or kind is None:
        return
    if instance.subject == "order":
        order, delivery = (
            Order.objects.select_related("customer", "campaign").get(pk=instance.subject_id),
            None,
        )
    else:
        delivery = Delivery.objects.select_related("order__customer", "order__campaign").get(
            pk=instance.subject_id
        )
        order = delivery.order
    # Who cancels an order oneself knows of it.
    own = kind == kinds.ORDER_CANCELLED and instance.by_id == order.customer_id
    write(kind, order, delivery, mail=not own)


def on_goes_soon(sender: Any, delivery: Delivery, **kwargs: Any) -> None:
    """Write the notices of a delivery whose files are removed soon."""
    write(kinds.DELIVERY_EXPIRING, delivery.order, delivery)


def write(kind: str, order: Order, delivery: Delivery | None = None, *, mail: bool = True) -> list[Notice]:
    """Write a notice for each of the customer's ways to be told, and queue them after the transaction."""
    customer = order.customer
    if not Order.objects.visible_to(customer).filter(pk=order.pk).exists():
        # Who has left the organisation that the order belongs to is told nothing more of it.
        return []
    body = json.dumps(message(kind, order, delivery), cls=DjangoJSONEncoder)
    common = {"kind": kind, "recipient": customer, "order": order, "delivery": delivery, "body": body}
    found = []
    if mail and settings.MAIL_IS_SENT and customer.email and kind in MailChoice.of(customer):
        found.append(Notice.objects.create(**common))
    for endpoint in Endpoint.objects.listening().filter(owner=customer).order_by("pk"):
        if kind in endpoint.kinds:
            found.append(Notice.objects.create(**common, endpoint=endpoint))
    for notice in found:
        hint_notice(notice)
    return found


def write_test(endpoint: Endpoint) -> Notice:
    """Write a notice that only tries whether an endpoint takes notices."""
    body = {"type": kinds.WEBHOOK_TEST, "timestamp": timezone.now(), "data": {"endpoint": endpoint.pk}}
    made = Notice.objects.create(
        kind=kinds.WEBHOOK_TEST,
        recipient=endpoint.owner,
        endpoint=endpoint,
        body=json.dumps(body, cls=DjangoJSONEncoder),
    )
    hint_notice(made)
    return made


def write_gave_up(notice: Notice) -> None:
    """Tell a customer by mail that an endpoint did not take a notice to the last try."""
    customer = notice.recipient
    if not (settings.MAIL_IS_SENT and customer.email and MailChoice.of(customer)):
        return
    told = json.loads(notice.body)["data"]
    data = told | {"endpoint": {"url": notice.where, "kind": notice.kind, "answer": notice.last_answer}}
    body = {"type": kinds.WEBHOOK_FAILED, "timestamp": timezone.now(), "data": data}
    made = Notice.objects.create(
        kind=kinds.WEBHOOK_FAILED,
        recipient=customer,
        order=notice.order,
        body=json.dumps(body, cls=DjangoJSONEncoder),
    )
    hint_notice(made)


def message(kind: str, order: Order, delivery: Delivery | None) -> dict[str, Any]:
    """What is told: type, time, and the order (and delivery) with their states and links."""
    data: dict[str, Any] = {
        "order": {
            "id": order.pk,
            "status": order.status,
            "status_text": order.status_text,
            "campaign": order.campaign.slug,
            "area_km2": order.estimate.get("area_km2"),
            "created_at": order.created_at,
            "finished_at": order.finished_at,
            "links": {
                "page": public(reverse("order", args=[order.pk])),
                "api": public(reverse("order-detail", args=[order.pk])),
                "deliveries": public(reverse("order-deliveries", args=[order.pk])),
            },
        }
    }
    if delivery is not None:
        data["delivery"] = _told_of(delivery)
    return {"type": kind, "timestamp": timezone.now(), "data": data}


def _told_of(delivery: Delivery) -> dict[str, Any]:
    files = delivery.manifest.get("files", [])
    told = {
        "number": delivery.number,
        "status": delivery.status,
        "error": delivery.error,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
        "remove_after": delivery.remove_after,
        "files": len(files),
        "bytes": sum(file["bytes"] for file in files),
    }
    if delivery.status == Delivery.Status.READY:
        told["links"] = {"zip": public(address_of(delivery)), "until": expiry()}
    return told


def public(path: str) -> str:
    """The address of a page as people outside know it."""
    return settings.PUBLIC_URL + path
