"""What belongs to no single app: description of the API, health, metrics, checks of the set-up."""

import io
import re
import shutil
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client
from redis.exceptions import ConnectionError

from pipeline.errors import TransientStorageError
from pipeline.networks.registry import WEIGHTS
from webapp import checks, health
from webapp.settings import storage_bucket, storage_folder

pytestmark = pytest.mark.django_db


def test_no_query_is_compiled():
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_the_description_of_the_api_has_no_warnings():
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_description_and_pages_are_served(client):
    assert b"openapi: 3" in client.get("/api/schema/").content
    assert client.get("/api/docs/").status_code == 200


def test_the_page_of_the_api_needs_no_other_server(client):
    page = client.get("/api/docs/").content.decode()
    parts = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page)
    assert len(parts) >= 3
    for address in parts:
        assert address.startswith("/"), address
        answer = client.get(address)
        assert answer.status_code == 200 and b"".join(answer), address


def test_migrations_are_complete():
    call_command("makemigrations", "--check", "--dry-run", stdout=io.StringIO())


def test_healthy(client, storage, queues):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "queue": "ok", "storage": "ok", "models": "ok"}
    assert list(storage.iterdir()) == []


def test_health_names_what_is_down(client, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.STORAGE_ROOT = tmp_path / "file" / "storage"
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.QUEUES}
    answer = client.get("/healthz")
    assert answer.status_code == 503
    found = answer.json()
    assert found == {"status": "down", "database": "ok", "queue": "down", "storage": "down", "models": "ok"}


@pytest.fixture
def silent():
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent_database(silent, settings, monkeypatch):
    def ask():
        values = connections["default"].settings_dict | {"HOST": "127.0.0.1", "PORT": str(silent)}
        with closing(connections["default"].__class__(values)) as other, other.cursor() as cursor:
            cursor.execute("SELECT postgis_version()")

    monkeypatch.setitem(health.PARTS, "database", ask)


def test_health_names_a_database_that_is_silent(client, storage, queues, settings, silent_database):
    settings.HEALTH_SECONDS = 1.0
    began = time.monotonic()
    answer = client.get("/healthz")
    assert time.monotonic() - began < 10 and answer.status_code == 503
    assert answer.json() == {
        "status": "down",
        "database": "does not answer in 1 s",
        "queue": "ok",
        "storage": "ok",
        "models": "ok",
    }


def test_health_names_a_queue_that_is_silent(client, storage, settings, silent):
    settings.HEALTH_SECONDS = 1.0
    settings.RQ_QUEUES = {name: {"URL": f"redis://127.0.0.1:{silent}/0"} for name in settings.QUEUES}
    began = time.monotonic()
    found = [client.get("/healthz").json() for _ in range(2)]
    assert time.monotonic() - began < 10
    assert {one["queue"] for one in found} == {"does not answer in 1 s"}
    assert all(one["database"] == one["storage"] == "ok" for one in found)


def test_a_silent_part_is_asked_by_one_thread_alone(monkeypatch, settings):
    settings.HEALTH_SECONDS = 0.05
    begun, answers = [], threading.Event()

    def ask():
        begun.append(1)
        answers.wait(20)

    monkeypatch.setattr(health, "PARTS", {"queue": ask})
    assert [health.parts()["queue"] for _ in range(3)] == ["does not answer in 0.05 s"] * 3 and begun == [1]
    answers.set()
    settings.HEALTH_SECONDS = 20
    assert health.parts() == {"queue": "ok"}


def test_connecting_to_a_silent_database_has_an_end(silent, settings):
    options = settings.DATABASES["default"]["OPTIONS"]
    assert options["connect_timeout"] == 10 and options["tcp_user_timeout"] == 60_000
    values = connections["default"].settings_dict
    values = values | {"PORT": str(silent), "OPTIONS": values["OPTIONS"] | {"connect_timeout": 2}}
    began = time.monotonic()
    with closing(connections["default"].__class__(values)) as other, pytest.raises(OperationalError):
        other.ensure_connection()
    assert time.monotonic() - began < 20


def test_metrics_count_by_state(client, alps):
    text = client.get("/metrics").content.decode()
    assert 'earthquilt_tiles{status="composite"} 1.0\n' in text
    assert 'earthquilt_builds{status="failed"} 0.0\n' in text
    assert 'earthquilt_queue{queue="gpu"} 0.0\n' in text
    assert 'earthquilt_tried_again{kind="builds"} 0.0\n' in text
    assert "earthquilt_map_tile_seconds_bucket{" in text


def test_health_tells_of_weights_of_another_hash(client, storage, queues, monkeypatch, tmp_path):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr("pipeline.networks.store.WEIGHTS", tmp_path / "weights")
    assert client.get("/healthz").json()["models"] == "ok"
    with (tmp_path / "weights" / "haze.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["models"] == "down" and answer.json()["database"] == "ok"


@pytest.mark.parametrize("address", ["/healthz", "/metrics"])
def test_health_is_only_looked_at(client, address):
    assert client.post(address).status_code == 405


def test_a_bug_in_the_api_is_told_in_its_shape(monkeypatch):
    monkeypatch.setattr("webapp.accounts.roles.roles_of", lambda user: 1 / 0)
    answer = Client(raise_request_exception=False).get("/api/me/")
    assert answer.status_code == 500 and answer.json()["error"]["code"] == "internal"
    assert "ZeroDivision" not in answer.content.decode()


def test_a_request_that_django_refuses_is_told_in_the_shape_of_the_api(as_, customer):
    many = {f"field{number}": "x" for number in range(1_001)}
    answer = as_(customer).post("/api/orders/", many, format="multipart")
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "outage", [OperationalError("the database system is starting up"), ConnectionError("Connection refused")]
)
@pytest.mark.parametrize("address", ["/api/me/", "/"])
def test_a_database_that_is_being_restarted_is_no_bug(monkeypatch, outage, address):
    def ask(*given, **named):
        raise outage

    monkeypatch.setattr("webapp.accounts.roles.roles_of", ask)
    monkeypatch.setattr("django.contrib.auth.middleware.get_user", ask)
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0
    assert "some seconds" in answer.content.decode()


@pytest.mark.parametrize("address", ["/api/me/", "/"])
def test_a_bucket_that_does_not_answer_is_no_bug(monkeypatch, address):
    def ask(*given, **named):
        raise TransientStorageError("s3://maps could not be listed: Slow Down.")

    monkeypatch.setattr("webapp.accounts.roles.roles_of", ask)
    monkeypatch.setattr("django.contrib.auth.middleware.get_user", ask)
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0


def ids(found):
    return [message.id for message in found]


def test_storage_that_cannot_be_written_is_a_mistake(settings, tmp_path):
    settings.STORAGE_ROOT = tmp_path / "new" / "folder"
    assert not checks.storage_is_writable(None)
    (tmp_path / "file").write_text("")
    settings.STORAGE_ROOT = tmp_path / "file" / "storage"
    assert ids(checks.storage_is_writable(None)) == ["earthquilt.E001"]


def test_another_database_is_a_mistake(monkeypatch):
    assert not checks.database_is_postgis(None)
    monkeypatch.setitem(site.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert ids(checks.database_is_postgis(None)) == ["earthquilt.E002"]


def test_a_database_with_postgis_is_well():
    assert not checks.postgis_is_installed(None, databases=["default"])


def test_an_address_that_is_not_redis_is_a_mistake(settings):
    settings.REDIS_URL = "http://127.0.0.1"
    assert ids(checks.redis_address_is_one(None)) == ["earthquilt.E005"]


def test_a_made_up_key_is_told(settings):
    settings.SECRET_KEY_IS_MADE_UP = True
    assert ids(checks.secret_key_is_set(None)) == ["earthquilt.W001"]


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("/data/a b", Path("/data/a b")),
        ("file:///data/a%20b", Path("/data/a b")),
        ("products", site.BASE_DIR / "products"),
    ],
)
def test_storage_addresses_are_folders(address, folder):
    assert storage_folder(address) == folder


def test_a_storage_address_may_be_a_bucket():
    assert storage_bucket("s3://maps/quilt/") == ("maps", "quilt")
    assert storage_bucket("/data") is None and storage_bucket("file:///data") is None


@pytest.mark.parametrize("address", ["https://maps/quilt", "s3://", "s3://maps?versions=1"])
def test_storage_addresses_of_another_kind_are_refused(address):
    with pytest.raises(ImproperlyConfigured, match=re.escape(address)):
        storage_bucket(address) or storage_folder(address)


def test_health_tells_of_a_bucket_that_does_not_answer(client, bucket, queues, settings):
    assert client.get("/healthz").json()["storage"] == "ok"
    settings.STORAGE_ENDPOINT = "http://127.0.0.1:1"
    answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["storage"] == "down"
