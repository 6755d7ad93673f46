"""A real STAC API on loopback: stac-fastapi with its pgstac back end, in a database of its own."""

import importlib.metadata
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2

PATIENCE = 60


class StacServer:
    """The running API: `url`, and `put` to make it hold these items and no others."""

    def __init__(self, url: str, dsn: dict) -> None:
        self.url = url
        self.dsn = dsn

    def put(self, items: list[dict]) -> str:
        """Replace what the API holds; each item goes to the collection that it names. Returns the address."""
        collections = sorted({item["collection"] for item in items} | {"sentinel-2-l2a"})
        with _connected(self.dsn) as cursor:
            cursor.execute("SET search_path TO pgstac, public")
            cursor.execute("SELECT delete_collection(id) FROM collections")
            for name in collections:
                cursor.execute("SELECT create_collection(%s::jsonb)", [json.dumps(_collection(name))])
            cursor.execute("SELECT create_items(%s::jsonb)", [json.dumps(items)])
        return self.url


@contextmanager
def stac_server(database_url: str) -> Iterator[StacServer]:
    """Start an API on a free port and a database made for it; both go when the block ends."""
    parts = urlsplit(database_url)
    admin = {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": parts.path.lstrip("/"),
    }
    name = f"pgstac_test_{secrets.token_hex(4)}"
    with _connected(admin) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    dsn = {**admin, "dbname": name}
    try:
        with _connected(dsn) as cursor:
            cursor.execute(_migration().read_text())
        with _running(dsn) as url:
            yield StacServer(url, dsn)
    finally:
        with _connected(admin) as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _connected(dsn: dict) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(**dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _migration() -> Path:
    """The schema as pypgstac ships it; its own loader would want psycopg 3 beside the psycopg2 of Django."""
    package = Path(importlib.util.find_spec("pypgstac").origin).parent
    version = importlib.metadata.version("pypgstac")
    return package / "migrations" / f"pgstac.{version}.sql"


@contextmanager
def _running(dsn: dict) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PGUSER": dsn["user"],
        "PGPASSWORD": dsn["password"] or "none",
        "PGHOST": dsn["host"],
        "PGPORT": str(dsn["port"]),
        "PGDATABASE": dsn["dbname"],
        "DB_MAX_CONN_SIZE": "3",
    }
    factory = "stac_fastapi.pgstac.app:create_app"
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        factory,
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the STAC API did not start: {process.stderr.read()[-2000:]}")
        with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the STAC API at {url} did not answer within {PATIENCE} s")


def _collection(name: str) -> dict:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "description": name,
        "license": "proprietary",
        "links": [],
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    }
