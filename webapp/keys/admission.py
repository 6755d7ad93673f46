"""Whether a request with a key is let in, and how it is counted."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import django_rq
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest
from django.utils.translation import gettext
from redis.exceptions import RedisError

from webapp.keys.models import KeyUse, MapKey, digest_of

log = logging.getLogger(__name__)

MINUTE = 60
FLUSH_SECONDS = 5.0
KEYS_IN_MEMORY = 4096
UNKNOWN_IN_MEMORY = 16_384
BEARER = "Bearer "


class Refused(Exception):
    """A key that does not open what is asked for; the text is one sentence."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None):
        """Take HTTP's status, a code and the sentence, and after how many seconds to try again."""
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(frozen=True)
class Known:
    """A key with its scope, as it is remembered for a few seconds."""

    key: MapKey
    slugs: frozenset[str]
    until: float


_known: dict[str, Known] = {}
# Until when a digest is taken to be of no key; a process may have been asked for it before the key was made.
_unknown: dict[str, float] = {}
# The minute in which a key has asked too often.
_over: dict[int, int] = {}


def token_of(request: HttpRequest) -> str:
    """Give the key of a request: the parameter `key`, the header X-API-Key, or a bearer token; "" without."""
    bearer = request.headers.get("Authorization", "")
    token = request.GET.get("key") or request.headers.get("X-API-Key", "")
    return token or (bearer.removeprefix(BEARER) if bearer.startswith(BEARER) else "")


def key_suffix(request: HttpRequest) -> str:
    """Give what addresses in a document end in, so that they carry the key of the request for it."""
    key = request.GET.get("key")
    return f"?{urlencode({'key': key})}" if key else ""


@dataclass(frozen=True)
class Admitted:
    """Who asks, and what of theirs is open to the request.

    Attributes:
        visitor: the key's owner, or who is signed in.
        slugs: of the campaigns that the key is for; empty: all that the visitor may see.
        layers: that the key is for; empty: all.
    """

    visitor: Any
    slugs: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()

    def opens(self, layers: Collection[str]) -> bool:
        """Whether all of these layers are open."""
        return not self.layers or self.layers.issuperset(layers)


def visitor_of(request: HttpRequest, slug: str, *layers: str) -> Any:
    """Give the person in whose name a request is answered; see `admit`."""
    return admit(request, slug, *layers).visitor


def admit(request: HttpRequest, slug: str = "", *layers: str) -> Admitted:
    """Let a request in, and count it where it has a key.

    Args:
        request: the request.
        slug: of the campaign that is asked for; "" for what belongs to none.
        layers: that are asked for, all of them; "" and none for what belongs to no layer.

    Raises:
        Refused: there is a key and it does not open this.
    """
    token = token_of(request)
    if not token:
        return Admitted(request.user)
    found = find(token)
    _let_in(found, slug, layers, request.headers.get("Referer") or request.headers.get("Origin", ""))
    return Admitted(found.key.owner, found.slugs, frozenset(found.key.layers))


def _let_in(found: Known, slug: str, layers: Collection[str], referrer: str) -> None:
    """Hold a request against a key's scope and limit, and count it."""
    try:
        check(found, slug, layers, referrer)
        limit(found.key)
    except Refused:
        tally.add(found.key.pk, refused=1)
        raise
    tally.add(found.key.pk, answered=1)


def refuse_at_once(token: str) -> None:
    """Refuse a key that has asked too often this minute, without asking database or Redis again.

    Raises:
        Refused: it has, as this process knows already.
    """
    found = _known.get(digest_of(token))
    if found and _over.get(found.key.pk) == int(time.time() // MINUTE):
        tally.add(found.key.pk, refused=1)
        raise too_many(found.key)


def admit_known(token: str, slug: str, layer: str, referrer: str) -> bool:
    """Let a request in by what is remembered of its key, and count it; False where nothing is.

    Raises:
        Refused: the key does not open this.
    """
    found = _known.get(digest_of(token))
    if found is None or found.until <= time.monotonic():
        return False
    _let_in(found, slug, (layer,), referrer)
    return True


def find(token: str) -> Known:
    """Find a key.

    Raises:
        Refused: there is none, or it was revoked.
    """
    digest = digest_of(token)
    found = _known.get(digest)
    if found is None or found.until <= time.monotonic():
        if _unknown.get(digest, 0.0) > time.monotonic():
            raise opens_nothing()
        row = MapKey.objects.select_related("owner").filter(digest=digest, revoked_at=None).first()
        if row is None or not row.owner.is_active:
            _known.pop(digest, None)
            if len(_unknown) >= UNKNOWN_IN_MEMORY:
                _unknown.clear()
            _unknown[digest] = time.monotonic() + settings.MAP_MEMORY_SECONDS
            raise opens_nothing()
        slugs = frozenset(row.campaigns.values_list("slug", flat=True))
        if len(_known) >= KEYS_IN_MEMORY:
            _known.clear()
        found = _known[digest] = Known(row, slugs, time.monotonic() + settings.MAP_MEMORY_SECONDS)
    return found


def opens_nothing() -> Refused:
    """Say that there is no such key."""
    return Refused(401, "no_such_key", gettext("This key opens nothing: it is wrong, or it was revoked."))


def forget() -> None:
    """Ask database and Redis about every key again."""
    _known.clear()
    _unknown.clear()
    _over.clear()


def check(found: Known, slug: str, layers: Collection[str], referrer: str) -> None:
    """Hold a request against a key's scope.

    Raises:
        Refused: it lies outside.
    """
    key = found.key
    if found.slugs and slug and slug not in found.slugs:
        raise Refused(
            403, "other_campaign", gettext("This key is not for campaign %(slug)s.") % {"slug": slug}
        )
    other = next((layer for layer in layers if layer and layer not in key.layers), "") if key.layers else ""
    if other:
        raise Refused(403, "other_layer", gettext("This key is not for layer %(layer)s.") % {"layer": other})
    if key.referrers and not any(fits(host, referrer) for host in key.referrers):
        raise Refused(403, "other_referrer", gettext("This key is not for maps of this site."))


def fits(pattern: str, referrer: str) -> bool:
    """Whether an address lies on a host, or with *. before it on one below."""
    try:
        host = (urlsplit(referrer).hostname or "").lower()
    except ValueError:
        return False
    if pattern.startswith("*."):
        return host.endswith(pattern[1:].lower())
    return host == pattern.lower()


def limit(key: MapKey) -> None:
    """Count a request of this minute, in all processes together.

    Raises:
        Refused: there were too many. Without Redis nobody is refused.
    """
    minute = int(time.time() // MINUTE)
    if _over.get(key.pk) == minute:
        raise too_many(key)
    name = f"earthquilt:key:{key.pk}:{minute}"
    try:
        with django_rq.get_connection("cpu").pipeline(transaction=False) as pipe:
            count, _ = pipe.incr(name).expire(name, 2 * MINUTE).execute()
    except RedisError as error:
        log.warning("Requests with keys are not limited: %s", error)
        return
    if count > key.per_minute:
        if len(_over) >= KEYS_IN_MEMORY:
            _over.clear()
        _over[key.pk] = minute
        raise too_many(key)


def too_many(key: MapKey) -> Refused:
    """Say that a key has to wait for the next minute."""
    wait = MINUTE - int(time.time() % MINUTE)
    text = gettext("This key may ask %(times)d times a minute; try again in %(seconds)d s.")
    text %= {"times": key.per_minute, "seconds": wait}
    return Refused(429, "too_many", text, wait)


class Tally:
    """Counts of this process, which go to the database every few seconds."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: Counter[tuple[int, date, str]] = Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def add(self, key: int, answered: int = 0, refused: int = 0) -> None:
        """Count."""
        today = datetime.now(UTC).date()
        with self._lock:
            self._counts[key, today, "answered"] += answered
            self._counts[key, today, "refused"] += refused
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self._flush_and_close)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was counted; what cannot be written now is written later."""
        with self._lock:
            counts, self._counts, self._timer = self._counts, Counter(), None
        for key, day in {(key, day) for key, day, _ in counts}:
            try:
                KeyUse.add(key, day, counts[key, day, "answered"], counts[key, day, "refused"])
            except DatabaseError as error:
                log.warning("The use of key %s is written later: %s", key, error)
                self.add(key, counts[key, day, "answered"], counts[key, day, "refused"])

    def _flush_and_close(self) -> None:
        close_old_connections()
        try:
            self.flush()
        finally:
            close_old_connections()


tally = Tally()
