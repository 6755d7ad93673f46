"""A headless Chromium against a live server with real rows and rasters."""

import os
import threading
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import sync_playwright

from script.lib import packages
from tests.webapp import products
from webapp.accounts.models import User
from webapp.campaigns.models import Edition
from webapp.keys import admission
from webapp.tileserver import addresses
from webapp.tileserver.copies import copies

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    """Everything here drives a browser."""
    for item in items:
        if "browser" in item.nodeid.split("/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests; it runs an event loop in this thread, where Django refuses its database."""
    path = packages.chromium()
    if path is None:
        # A system's package, which only root can install: `script/test` tries to, and says so if it cannot.
        pytest.skip("No Chromium is installed (Debian's package is called chromium).")
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path, monkeypatch):
    """A campaign of one test is not that of the same name of another."""
    settings.MAP_TILE_CACHE = str(tmp_path / "map-tiles")
    settings.CATALOG_FOLDERS = (Path("/"),)
    addresses.forget_views()
    copies.forget()
    admission.forget()
    # Another thread would write while the tables are emptied.
    monkeypatch.setattr(admission, "FLUSH_SECONDS", 1e6)
    monkeypatch.setattr(admission, "tally", admission.Tally())


@pytest.fixture
def people(transactional_db):
    """One person per role, all with the password "pass"."""
    made = {}
    for role in ("customer", "reviewer", "operator"):
        made[role] = User.objects.create_user(role, password="pass")
        made[role].groups.add(Group.objects.get_or_create(name=role)[0])
    return made


@pytest.fixture
def alps(transactional_db, tmp_path, settings):
    """A public campaign: two finished tiles, and one that failed; nothing published."""
    settings.STORAGE_ROOT = tmp_path / "storage"
    campaign = products.make_campaign()
    products.make_tiles(campaign, products.WEST, products.EAST)
    products.make_failed(campaign, "33TVL", "No scene of 33TVL has less than 80 % cloud cover.")
    return campaign


@pytest.fixture
def published(alps):
    Edition.publish(alps)
    return alps


@pytest.fixture
def open_page(chromium, live_server, client):
    """Open a page, signed in where a person is given; fail on errors of scripts and what the policy stops."""
    contexts, errors = [], []

    def open_page(path="/", person=None, width=1400, height=900, language=None):
        context = chromium.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(15_000)
        contexts.append(context)
        if person is not None:
            client.force_login(person)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            context.add_cookies([cookie])
        if language is not None:
            context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.extend(stopped_by_policy(said)))
        page.goto(live_server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.route("**/api/**", lambda route: route.abort())
        context.close()
    wait_for_server()
    assert not errors


def stopped_by_policy(said):
    """The message of a console, where it tells what the page's Content-Security-Policy stopped."""
    return [said.text] if "Content Security Policy" in said.text else []


def wait_for_server(seconds=10):
    """Wait until no request is being answered: the next test empties the tables."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any("process_request_thread" in thread.name for thread in threading.enumerate()):
            return
        time.sleep(0.02)
