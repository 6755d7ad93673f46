"""Wrong passwords, counted in Redis by name and address and by address alone; too many lock for a while.

All who ask for a password come through `authenticate` of Django: the pages, the admin page and Basic
authentication of the API. `Guard` refuses there, before the password is hashed.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import django_rq
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, Throttled

log = logging.getLogger(__name__)

PREFIX = "earthquilt:guesses"
SUBSCRIBER_BITS = 64
# Whose X-Forwarded-For is believed, as in docker/nginx.conf.
INSIDE = [
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


class Locked(Throttled):
    """Too many wrong passwords; the text is one sentence (HTTP 429)."""

    default_code = "too_many_passwords"

    def __init__(self, wait: int):
        """Take after how many seconds to try again."""
        text = gettext("There were too many wrong passwords; try again in %(seconds)d s.") % {"seconds": wait}
        APIException.__init__(self, text)
        self.wait = wait


class Guard:
    """An authentication backend that knows nobody, and refuses those who have guessed too often."""

    def authenticate(self, request: Any, username: str | None = None, **credentials: Any) -> None:
        """Let the next backend look at the password.

        Raises:
            Locked: it is not looked at now.
        """
        if request is not None and username is not None:
            refuse_locked(request, username)


class LockedPage:
    """Middleware: the page that tells of a lock; the API tells it in its own shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        """Take the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer where the view has raised."""
        if not isinstance(exception, Locked):
            return None
        page = render(request, "429.html", {"told": exception.detail}, status=429)
        page["Retry-After"], page["Cache-Control"] = str(exception.wait), "no-store"
        return page


def refuse_locked(request: Any, username: str) -> None:
    """Refuse a name from an address, or an address, with too many wrong passwords.

    Raises:
        Locked: there were too many. Without Redis nobody is refused.
    """
    counted = _counted(request, username)
    if not counted:
        return
    try:
        with django_rq.get_connection("cpu").pipeline(transaction=False) as pipe:
            for name in counted:
                pipe.get(name).ttl(name)
            found = pipe.execute()
    except RedisError as error:
        log.warning("Passwords are tried without limit: %s", error)
        return
    over = [
        ttl
        for count, ttl, most in zip(found[::2], found[1::2], counted.values(), strict=True)
        if count is not None and int(count) >= most
    ]
    if over:
        raise Locked(max(1, *over))


@receiver(user_login_failed)
def count_wrong(credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    """Count a wrong password; the last that is let through begins the lock."""
    username = credentials.get("username")
    counted = _counted(request, username) if request is not None and username is not None else {}
    seconds = settings.PASSWORD_LOCK_SECONDS
    try:
        for name, most in counted.items():
            with django_rq.get_connection("cpu").pipeline() as pipe:
                count, _ = pipe.incr(name).expire(name, seconds, nx=True).execute()
            if count == most:
                django_rq.get_connection("cpu").expire(name, seconds)
                log.warning(
                    "%d wrong passwords came from %s: locked for %d s.", most, address_of(request), seconds
                )
    except RedisError as error:
        log.warning("A wrong password was not counted: %s", error)


def _counted(request: Any, username: str) -> dict[str, int]:
    """Give what is counted, by its name in Redis, and how many are let through."""
    address = address_of(request)
    folded = unicodedata.normalize("NFKC", username).casefold()
    digest = hashlib.sha256(folded.encode(errors="surrogatepass")).hexdigest()
    found = {
        f"{PREFIX}:{address}:{digest}": settings.PASSWORD_TRIES,
        f"{PREFIX}:{address}": settings.PASSWORD_TRIES_ADDRESS,
    }
    return {name: most for name, most in found.items() if most}


def address_of(request: Any) -> str:
    """Give the address of a visitor: of IPv6 the /64, which one subscriber has.

    What stands in front adds it to X-Forwarded-For, which is believed of private networks alone.
    """
    told = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if forwarded and _is_inside(told):
        told = forwarded
    try:
        found = ip_address(told)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), SUBSCRIBER_BITS), strict=False).network_address)
    return str(found)


def _is_inside(address: str) -> bool:
    """Whether an address is of this machine or a private network; a socket of this machine has none."""
    try:
        return not address or any(ip_address(address) in network for network in INSIDE)
    except ValueError:
        return True
