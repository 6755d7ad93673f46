"""What answers tell browsers of themselves, cookies, and the set-up that is put before the public."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from webapp.campaigns.models import Edition

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "HTTPS": "1",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "maps.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://maps.example.org",
    "PUBLIC_URL": "https://maps.example.org",
    "EMAIL_URL": "smtp+tls://user:word@mail.example.org:587",
}
KEPT = ("PATH", "HOME", "LANG", "DATABASE_URL", "REDIS_URL")


def manage(*arguments, **environment):
    # What other tests or the person have set must not be told of.
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
    )


def setting(name, **environment):
    """A setting as a process with this environment has it."""
    code = f"from django.conf import settings; print(repr(settings.{name}))"
    return manage("shell", "--no-imports", "-c", code, **environment).stdout.strip()


def test_the_checks_for_the_public_find_nothing(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "WARNING", STORAGE_URL=str(tmp_path), **PRODUCTION)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("lacking", "words"),
    [("HTTPS", "security.W012"), ("SECRET_KEY", "earthquilt.W001")],
)
def test_the_checks_for_the_public_tell_of_what_is_missing(tmp_path, lacking, words):
    given = {name: value for name, value in PRODUCTION.items() if name != lacking}
    done = manage("check", "--deploy", "--fail-level", "WARNING", STORAGE_URL=str(tmp_path), **given)
    assert done.returncode and words in done.stderr


def test_behind_https_cookies_and_addresses_keep_to_it():
    names = (
        "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
        "SECURE_SSL_REDIRECT",
    )  # fmt: skip
    code = f"from django.conf import settings; print([getattr(settings, name) for name in {names}])"
    told = manage("shell", "--no-imports", "-c", code, **PRODUCTION).stdout
    assert told.strip() == str([True] * len(names))
    assert setting("SECURE_HSTS_SECONDS", **PRODUCTION) == "31536000"
    assert setting("SECURE_HSTS_SECONDS", **PRODUCTION, HSTS_SECONDS="60") == "60"
    assert setting("SECURE_HSTS_SECONDS", HSTS_SECONDS="60") == "0"


@pytest.fixture
def https(settings):
    """As with HTTPS=1, for settings that are read at each request or when a client is made."""
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 3600
    return {"headers": {"x-forwarded-proto": "https"}}


def test_what_comes_without_https_is_sent_there(https, alps):
    answer = Client().get("/orders/?page=2")
    assert answer.status_code == 301 and answer["Location"] == "https://testserver/orders/?page=2"
    # What watches over the server is beside it.
    assert Client().get("/healthz").status_code != 301
    assert Client().get("/metrics").status_code != 301


def test_browsers_are_told_to_stay_with_https(https, db):
    assert Client().get("/accounts/login/", **https)["Strict-Transport-Security"] == "max-age=3600"


def test_cookies_are_for_this_site_by_https_and_not_for_scripts(https, customer):
    client = Client(enforce_csrf_checks=True, headers={"host": "testserver"})
    page = client.get("/accounts/login/", **https)
    token = page.cookies["csrftoken"].value
    answer = client.post(
        "/accounts/login/",
        {"username": "customer", "password": "pass", "csrfmiddlewaretoken": token},
        headers=https["headers"] | {"referer": "https://testserver/accounts/login/"},
    )
    assert answer.status_code == 302
    session = answer.cookies["sessionid"]
    assert session["secure"] and session["httponly"] and session["samesite"] == "Lax"
    assert page.cookies["csrftoken"]["secure"] and page.cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/campaigns/", "/api/docs/", "/nowhere/"])
def test_every_answer_tells_its_policy(client, db, path):
    answer = client.get(path)
    policy = dict(part.split(maxsplit=1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_only_map_tiles_products_and_stac_are_for_scripts_of_other_sites(client, alps):
    """Nothing that knows a session may be read from another site."""
    Edition.publish(alps)
    for path in ("/api/campaigns/", "/api/orders/", "/api/me/", "/orders/", "/"):
        answer = client.get(path, headers={"origin": "https://elsewhere.example"})
        assert (
            "Access-Control-Allow-Origin" not in answer and "Access-Control-Allow-Credentials" not in answer
        )
    for path in ("/stac/", "/tiles/alps/1/rgb/tilejson.json"):
        answer = client.get(path, headers={"origin": "https://elsewhere.example"})
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("path", ["/api/orders/", "/api/keys/", "/api/webhooks/", "/api/me/mail/"])
def test_a_session_alone_changes_nothing_without_its_token(customer, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)
    answer = client.post(path, "{}", content_type="application/json")
    assert answer.status_code == 403 and "CSRF" in answer.content.decode()


def test_a_sign_in_gets_a_new_session(client, customer):
    client.get("/accounts/login/")
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    client.post("/accounts/login/", {"username": "customer", "password": "pass"})
    assert client.cookies["sessionid"].value != before
