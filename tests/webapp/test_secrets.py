"""Secrets come neither into logs nor into the API; of keys only a hash is kept."""

import contextlib
import io
import json
import logging
import logging.config
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pipeline.redaction import redacted
from script.lib import ports
from tests.webapp.test_headers import PRODUCTION
from webapp import logs
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Campaign
from webapp.keys.models import MapKey
from webapp.notices.models import Endpoint
from webapp.orders.sources import without_source

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"start": "2023-08-01", "end": "2023-08-31", "resolution": 60}


@pytest.fixture(params=["plain", "json"])
def written(request, settings):
    """Adds a handler as the settings have it; gives what it has written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    config = json.loads(json.dumps(settings.LOGGING))
    # Not `dictConfig`, which closes the handlers that there are.
    made = logging.config.DictConfigurator(config)
    handler.setFormatter(made.configure_formatter(config["formatters"][request.param]))
    for name in config["handlers"]["console"].get("filters", []):
        handler.addFilter(made.configure_filter(config["filters"][name]))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream.getvalue
    root.removeHandler(handler)


def test_lines_and_tracebacks_have_no_secret(written, settings, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    logs.own_secrets.cache_clear()
    secrets = [
        settings.SECRET_KEY,
        settings.DATABASES["default"]["PASSWORD"],
        "wJalrXUtnFEMI/K7MDENG",
        "eq_abcdefgh-secret-rest",
    ]
    try:
        with contextlib.suppress(ValueError):
            try:
                raise ValueError(f"no way to https://example.org/?key={secrets[3]} with {secrets[1]}")
            except ValueError:
                logging.getLogger("webapp.x").exception(
                    "It was %s, %r and %s.", secrets[0], {"a": secrets[2]}, secrets[3]
                )
                raise
    finally:
        logs.own_secrets.cache_clear()
    told = written()
    assert "no way to https://example.org/?key=***" in told and "Traceback" in told
    for secret in secrets:
        assert secret not in told


def test_the_secrets_of_the_process_are_those_of_its_settings(settings, monkeypatch):
    settings.REDIS_URL = "redis://:pass%2Fword-of-redis@127.0.0.1:6379/0"
    settings.EMAIL_URL = "smtp+tls://user:word-of-mail@mail.example.org:587"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-cloud")
    logs.own_secrets.cache_clear()
    try:
        known = logs.own_secrets()
    finally:
        logs.own_secrets.cache_clear()
    expected = {
        "pass%2Fword-of-redis",
        "pass/word-of-redis",
        "word-of-mail",
        "token-of-cloud",
        settings.SECRET_KEY,
    }
    assert expected <= set(known)


def test_a_failed_build_tells_its_source_without_the_key(db, storage, queues, as_, operator):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"https://127.0.0.1:{port}/stac?subscription-key=very-secret-key"
    campaign = Campaign.objects.create(name="Keyed", catalog=address, settings=SETTINGS, is_public=True)
    build = Build.begin(campaign.want(["33TWL"])[0])
    run_build(build.pk)
    build.refresh_from_db()
    assert build.error and "very-secret-key" not in build.error
    for path in (
        "/api/campaigns/keyed/",
        "/api/campaigns/",
        "/api/campaigns/keyed/tiles/",
        "/api/campaigns/keyed/history/",
    ):
        assert "very-secret-key" not in as_(operator).get(path).content.decode()
    assert Campaign.objects.get().catalog == address


def test_a_source_sent_as_it_was_shown_keeps_its_key(db, as_, operator):
    address = "https://8.8.8.8/stac?subscription-key=very-secret-key"
    Campaign.objects.create(name="Keyed", catalog=address, settings=SETTINGS)
    shown = as_(operator).get("/api/campaigns/keyed/").json()["catalog"]
    assert "very-secret-key" not in shown
    answer = as_(operator).patch("/api/campaigns/keyed/", {"catalog": shown, "name": "Other"}, format="json")
    assert answer.status_code == 200
    assert Campaign.objects.get().catalog == address and Campaign.objects.get().name == "Other"


def test_a_customer_is_not_told_the_address_of_a_source_without_its_key_either():
    catalog = "https://source.example/stac?subscription-key=very-secret-key"
    text = f"{redacted(catalog)} does not answer. https://source.example/stac broke off."
    hidden = "the campaign's source does not answer. the campaign's source broke off."
    assert without_source(text, catalog) == hidden


def test_of_a_key_only_its_hash_and_its_beginning_are_kept(as_, customer):
    made = as_(customer).post("/api/keys/", {"name": "Site"})
    token = made.json()["key"]
    row = MapKey.objects.get()
    assert token.startswith(row.shown) and len(row.shown) < 12 and len(token) > 40
    kept = {field.name: str(getattr(row, field.name, "")) for field in MapKey._meta.concrete_fields}
    assert token not in str(kept) and row.digest != token
    assert token not in as_(customer).get("/api/keys/").content.decode()


def test_the_secret_of_a_webhook_is_told_once(as_, customer):
    endpoint, secret = Endpoint.make(customer, "https://example.org/hook", ["order.ready"])
    for path in ("/api/webhooks/", f"/api/webhooks/{endpoint.pk}/", "/api/notices/"):
        assert secret not in as_(customer).get(path).content.decode()


def test_passwords_are_kept_as_slow_hashes():
    code = "from django.contrib.auth.hashers import get_hasher; print(get_hasher().algorithm)"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "pbkdf2_sha256"


SECRET_IN_ADDRESS = "eq_" + "s" * 40
APPLICATION = "tests.webapp.broken_application:application"


def test_a_real_server_writes_no_key_of_an_address(tmp_path):
    """gunicorn as it is started, with its access log asked for, and a request that breaks it."""
    port = ports.free_port()
    line = [
        sys.executable, "-m", "gunicorn", "--config", "webapp/gunicorn.py", APPLICATION,
        "--bind", f"127.0.0.1:{port}", "--access-logfile", "-", "--no-control-socket",
    ]  # fmt: skip
    log = (tmp_path / "log").open("w+")
    child = subprocess.Popen(line, cwd=ROOT, env=dict(os.environ) | PRODUCTION, stdout=log, stderr=log)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/broken?key={SECRET_IN_ADDRESS}",
            headers={"Referer": f"https://example.org/?key={SECRET_IN_ADDRESS}"},
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(asked, timeout=20)
        time.sleep(0.5)
    finally:
        child.terminate()
        child.wait(timeout=20)
    log.seek(0)
    told = log.read()
    log.close()
    assert "Error handling request GET /broken?key=***" in told and re.search(
        r'"GET /broken\?key=\*\*\* HTTP', told
    )
    assert SECRET_IN_ADDRESS not in told
