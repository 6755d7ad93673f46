"""A public campaign with one edition, and people."""

import pytest
from django.contrib.auth.models import Group

from tests.webapp import products
from webapp.accounts.models import User
from webapp.campaigns import web_copies
from webapp.campaigns.models import Edition


@pytest.fixture
def storage(db, tmp_path, settings):
    settings.STORAGE_ROOT = tmp_path / "storage"
    return settings.STORAGE_ROOT


@pytest.fixture
def alps(db, storage):
    """Campaign "alps": one finished tile and one wanted, nothing published."""
    campaign = products.make_campaign()
    products.make_tile(campaign, products.WEST)
    products.make_composite(campaign, products.EAST)
    return campaign


@pytest.fixture
def edition(db, storage):
    """Edition 1 of the public campaign "alps", laid out for web maps."""
    campaign = products.make_campaign()
    products.make_tile(campaign, products.WEST)
    edition = Edition.publish(campaign)
    for revision in web_copies.due(edition):
        assert web_copies.make(revision)
    return edition


@pytest.fixture
def sign_in(client, db):
    def sign_in(role):
        person = User.objects.create_user(role, password="pass")
        person.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(person)
        return person

    return sign_in
