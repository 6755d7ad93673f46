"""The cast of people, an API client for each of them, a storage folder and a queue of the test's own."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django_rq
import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from pipeline.allowed import limit_to
from pipeline.store.objects import Bucket, Objects
from tests.s3_server import CREDENTIALS
from tests.webapp import products
from webapp.accounts.models import User
from webapp.campaigns.sources import of_settings
from webapp.keys import admission
from webapp.tileserver import addresses
from webapp.tileserver.copies import copies

TEST_REDIS_DB = 15


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path, monkeypatch):
    """A campaign of one test is not that of the same name of another."""
    settings.MAP_TILE_CACHE = str(tmp_path / "map-tiles")
    addresses.forget_views()
    copies.forget()
    admission.forget()
    # Another thread would write outside of the test's transaction.
    monkeypatch.setattr(admission, "FLUSH_SECONDS", 1e6)
    monkeypatch.setattr(admission, "tally", admission.Tally())


@pytest.fixture(autouse=True)
def limited(settings):
    """Scenes are read as in a server; catalogs of tests lie in folders of their own."""
    settings.CATALOG_FOLDERS = (Path("/"),)
    before = limit_to(of_settings)
    yield
    limit_to(before)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Passwords of tests need not cost a second each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Wrong ones of all tests come from one address.
    settings.PASSWORD_TRIES = settings.PASSWORD_TRIES_ADDRESS = 0


@pytest.fixture
def storage(settings, tmp_path):
    settings.STORAGE_ROOT = tmp_path / "storage"
    return settings.STORAGE_ROOT


@pytest.fixture
def bucket(settings, storage, s3, tmp_path, monkeypatch):
    """The storage is an empty bucket; call it with a name to be on a machine of that name."""
    for name, value in (CREDENTIALS | Objects(Bucket("any", ""), s3.url).gdal_environment()).items():
        monkeypatch.setenv(name, value)
    settings.STORAGE_BUCKET = Bucket(s3.bucket(), "products")
    settings.STORAGE_ENDPOINT = s3.url

    def be_on(machine):
        settings.STORAGE_CACHE = tmp_path / machine
        settings.STORAGE_ROOT = settings.STORAGE_CACHE / "reading"
        copies.forget()

    be_on("one")
    return be_on


@pytest.fixture
def queues(settings):
    """The queues by name, empty, in a Redis database that only tests use."""
    address = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=f"/{TEST_REDIS_DB}"))
    settings.REDIS_URL = address
    settings.RQ_QUEUES = {name: {"URL": address, "DEFAULT_TIMEOUT": 60} for name in settings.QUEUES}
    django_rq.get_connection("cpu").flushdb()
    yield {name: django_rq.get_queue(name) for name in settings.QUEUES}
    django_rq.get_connection("cpu").flushdb()


@pytest.fixture
def person(db):
    """Makes a person of some roles."""

    def make(name, *roles):
        made = User.objects.create_user(name, password="pass")
        made.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        return User.objects.get(pk=made.pk)

    return make


@pytest.fixture
def customer(person):
    return person("customer", "customer")


@pytest.fixture
def colleague(person):
    """Another customer."""
    return person("colleague", "customer")


@pytest.fixture
def reviewer(person):
    return person("reviewer", "reviewer")


@pytest.fixture
def operator(person):
    return person("operator", "operator")


@pytest.fixture
def stranger(person):
    """Signed in, without a role."""
    return person("stranger")


@pytest.fixture
def as_():
    """An API client that is signed in as a person, or as nobody."""

    def client(user=None):
        found = APIClient()
        if user is not None:
            found.force_login(user)
        return found

    return client


@pytest.fixture
def alps(db, storage, queues):
    """A public campaign with one finished tile."""
    campaign = products.make_campaign()
    products.make_tile(campaign, products.WEST)
    return campaign


@pytest.fixture
def secret(db, storage, queues):
    """A private campaign with one finished tile."""
    campaign = products.make_campaign("secret", public=False)
    products.make_tile(campaign, products.WEST)
    return campaign
