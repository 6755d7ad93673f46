"""For who runs it: is everything there, and how much is to do."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import django_rq
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.orders.models import Order

log = logging.getLogger(__name__)

COUNTED: dict[str, type[Model]] = {
    "tiles": CampaignTile,
    "builds": Build,
    "revisions": Revision,
    "orders": Order,
}


def ask_database() -> None:
    """Ask the database for its PostGIS version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT postgis_version()")


def ask_queue() -> None:
    """Ask Redis for a sign of life."""
    django_rq.get_connection(settings.QUEUES[0]).ping()


def ask_storage() -> None:
    """Write and remove a file in the storage root."""
    root = Path(settings.STORAGE_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=root, prefix=".health-") as file:
        file.write(b"0")
        file.flush()


PARTS: dict[str, Callable[[], None]] = {"database": ask_database, "queue": ask_queue, "storage": ask_storage}


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where database, queue and storage work, else 503; names the part that does not."""
    found = {}
    for name, ask in PARTS.items():
        try:
            ask()
            found[name] = "ok"
        except (DatabaseError, RedisError, OSError) as error:
            log.warning("The %s does not work: %s", name, error)
            found[name] = "down"
    well = set(found.values()) == {"ok"}
    return JsonResponse({"status": "ok" if well else "down", **found}, status=200 if well else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts by state and the length of the queues, as Prometheus reads them."""
    lines = []
    for name, model in COUNTED.items():
        lines += [f"# HELP earthquilt_{name} Number of {name} by status.", f"# TYPE earthquilt_{name} gauge"]
        states = {str(value): 0 for value, _ in model._meta.get_field("status").choices}
        counts = model.objects.order_by().values_list("status").annotate(number=Count("pk"))
        states |= dict(counts)
        lines += [f'earthquilt_{name}{{status="{state}"}} {number}' for state, number in states.items()]
    lines += ["# HELP earthquilt_queue Number of waiting jobs.", "# TYPE earthquilt_queue gauge"]
    lines += [f'earthquilt_queue{{queue="{name}"}} {length}' for name, length in queue_lengths().items()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def queue_lengths() -> dict[str, int]:
    """The number of waiting jobs by queue; nothing where Redis does not answer."""
    try:
        return {name: django_rq.get_queue(name).count for name in settings.QUEUES}
    except RedisError as error:
        log.warning("The queue does not answer: %s", error)
        return {}
