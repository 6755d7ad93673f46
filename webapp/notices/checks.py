"""Mistakes of the set-up of notices, found at start by Django's system checks."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


def register_all() -> None:
    """Have Django ask."""
    register(public_url_is_one, "settings")
    register(pauses_are_some, "settings")


def public_url_is_one(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`PUBLIC_URL` is an address, and set where mail is sent."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        return [
            Error(
                f"PUBLIC_URL {settings.PUBLIC_URL!r} is no address of this server.",
                hint="Write it as https://HOST or https://HOST/PATH.",
                id="earthquilt.E006",
            )
        ]
    if settings.MAIL_IS_SENT and parts.hostname in ("127.0.0.1", "localhost"):
        return [
            Warning(
                "Letters lead to this machine only.",
                hint="Set PUBLIC_URL to the address that customers know.",
                id="earthquilt.W002",
            )
        ]
    return []


def pauses_are_some(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`NOTICE_PAUSES` are numbers of seconds."""
    if all(pause > 0 for pause in settings.NOTICE_PAUSES):
        return []
    return [Error("NOTICE_PAUSES has a pause of no seconds.", id="earthquilt.E007")]
