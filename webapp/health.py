"""For who runs it: is everything there, and how much is to do."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import django_rq
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry
from redis.exceptions import RedisError

from pipeline.errors import EarthquiltError
from pipeline.networks import NAMES
from pipeline.networks.store import Store
from webapp import storage
from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.metrics import registry
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
    """Write and remove a small file in the storage root."""
    storage.root().check()


def ask_models() -> None:
    """Compare the weights that ship with their cards."""
    for name in NAMES:
        state = Store().shipped(name).path.stat()
        _compare(name, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _compare(name: str, changed: int, size: int) -> None:
    """Compare once what has not changed since: the hash of all weights takes too long for each question."""
    Store().shipped(name).check()


# A question that is not answered by then is not waited for, and the next one is asked anew.
GIVEN_UP_SECONDS = 60.0
PARTS: dict[str, Callable[[], None]] = {
    "database": ask_database,
    "queue": ask_queue,
    "storage": ask_storage,
    "models": ask_models,
}


class Question:
    """One part, asked in a thread of its own, so that who asks waits no longer than they want to.

    Args:
        name: of the part.
        ask: raises where it does not work.
    """

    def __init__(self, name: str, ask: Callable[[], None]) -> None:
        self.name = name
        self.ask = ask
        self.began = time.monotonic()
        self.answered = threading.Event()
        self.found = ""
        threading.Thread(target=self._ask, daemon=True, name=f"health of {name}").start()

    def _ask(self) -> None:
        try:
            self.ask()
            self.found = "ok"
        except (DatabaseError, RedisError, OSError, EarthquiltError) as error:
            log.warning("The %s does not work: %s", self.name, error)
            self.found = "down"
        except Exception:
            log.exception("The %s does not work.", self.name)
            self.found = "down"
        finally:
            connection.close()
            self.answered.set()

    @property
    def is_open(self) -> bool:
        """Whether an answer may still come: others then wait for it, and no more threads are begun."""
        return not self.answered.is_set() and time.monotonic() - self.began < GIVEN_UP_SECONDS


_asked: dict[str, Question] = {}
_turn = threading.Lock()


def question(name: str) -> Question:
    """The question of a part that is not answered yet, or a new one."""
    with _turn:
        if name not in _asked or not _asked[name].is_open:
            _asked[name] = Question(name, PARTS[name])
        return _asked[name]


def parts() -> dict[str, str]:
    """Each part with "ok", "down" or that it does not answer; why one is down goes to the log."""
    deadline = time.monotonic() + settings.HEALTH_SECONDS
    found = {}
    for name, asked in [(name, question(name)) for name in PARTS]:
        if asked.answered.wait(max(0.0, deadline - time.monotonic())):
            found[name] = asked.found
        else:
            found[name] = f"does not answer in {settings.HEALTH_SECONDS:g} s"
            log.warning("The %s %s.", name, found[name])
    return found


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where database, queue, storage and models work, else 503; names the part that does not."""
    found = parts()
    well = set(found.values()) == {"ok"}
    return JsonResponse({"status": "ok" if well else "down", **found}, status=200 if well else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What web processes count and time, states in the database, and the queues, for Prometheus."""
    known = CollectorRegistry()
    known.register(Known())
    text = generate_latest(known) + generate_latest(registry())
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


class Known(Collector):
    """What the database and the queues know, asked when Prometheus asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give counts by state, work that was tried before, jobs that wait, and workers."""
        for name, model in COUNTED.items():
            states = {str(value): 0 for value, _ in model._meta.get_field("status").choices}
            counts = model.objects.order_by().values_list("status").annotate(number=Count("pk"))
            yield _family(name, f"Number of {name} by status.", "status", states | dict(counts))
        again = {
            name: model.objects.filter(status__in=("waiting", "running"), attempts__gt=1).count()
            for name, model in (("builds", Build), ("revisions", Revision))
        }
        yield _family("tried_again", "Work under way that was tried before.", "kind", again)
        yield _family("queue", "Number of waiting jobs.", "queue", queue_lengths())


def _family(name: str, words: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"earthquilt_{name}", words, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def queue_lengths() -> dict[str, int]:
    """The number of waiting jobs by queue; nothing where Redis does not answer."""
    try:
        return {name: django_rq.get_queue(name).count for name in settings.QUEUES}
    except RedisError as error:
        log.warning("The queue does not answer: %s", error)
        return {}
