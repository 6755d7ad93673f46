"""Mistakes of the set-up, found at start by Django's system checks."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.db.utils import Error as DatabaseError


@register("storage")
def storage_is_writable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The storage root or working copy, or the nearest folder above it that exists, can be written."""
    problem = storage_problem(Path(settings.STORAGE_ROOT))
    if problem is None:
        return []
    name = "STORAGE_CACHE" if settings.STORAGE_BUCKET else "STORAGE_URL"
    return [Error(problem, hint=f"Set {name} to a folder that can be written.", id="earthquilt.E001")]


def storage_problem(root: Path) -> str | None:
    """Why products cannot be written under a folder, in one sentence; None where they can."""
    nearest = next(path for path in (root, *root.parents) if path.exists())
    if not nearest.is_dir():
        return f"The storage root {root} is not a folder: {nearest} is a file."
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"The storage root {root} cannot be written."
    return None


@register("settings")
def database_is_postgis(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`DATABASE_URL` names a PostGIS database."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine == "django.contrib.gis.db.backends.postgis":
        return []
    hint = "Write DATABASE_URL as postgis://USER:PASSWORD@HOST:PORT/NAME."
    return [
        Error(
            f"The database is no PostGIS database: its engine is {engine}.", hint=hint, id="earthquilt.E002"
        )
    ]


@register(Tags.database)
def postgis_is_installed(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The database answers and has the extension postgis, or may have it."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")
                known = cursor.fetchone()[0]
        except DatabaseError as error:
            found.append(Error(f"The database does not answer: {str(error).strip()}", id="earthquilt.E003"))
            continue
        if not known:
            hint = "Install the package postgresql-NN-postgis-3 on the database's machine."
            found.append(Error("PostgreSQL has no extension postgis.", hint=hint, id="earthquilt.E004"))
    return found


@register("settings")
def redis_address_is_one(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`REDIS_URL` is an address of Redis."""
    if settings.REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
        return []
    message = f"REDIS_URL {settings.REDIS_URL!r} is no address of Redis."
    return [Error(message, hint="Write it as redis://HOST:PORT/DB.", id="earthquilt.E005")]


@register("settings")
def secret_key_is_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`SECRET_KEY` is set, so that sessions outlive a restart and are shared by all processes."""
    if not settings.SECRET_KEY_IS_MADE_UP:
        return []
    return [
        Warning(
            "SECRET_KEY is not set: sessions end with the process.",
            hint="Set SECRET_KEY to a long random text.",
            id="earthquilt.W001",
        )
    ]
