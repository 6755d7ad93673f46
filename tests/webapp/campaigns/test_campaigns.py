import pytest
from django.contrib.auth.models import AnonymousUser

from pipeline.errors import UsageError
from tests.webapp.products import SETTINGS, WEST, make_campaign
from webapp.campaigns.models import Build, Campaign, Event, GridTile

pytestmark = pytest.mark.django_db


def test_settings_are_completed_and_checked():
    campaign = make_campaign()
    assert campaign.settings["share"] == 0.999
    assert campaign.pipeline_settings.resolution == 60
    with pytest.raises(UsageError, match="resolution"):
        make_campaign("other", resolution=17)


def test_settings_are_fixed_with_the_first_build():
    campaign = make_campaign()
    campaign.settings["max_cloud"] = 50
    campaign.save()
    Build.begin(campaign.want([WEST])[0])
    campaign.settings["max_cloud"] = 60
    with pytest.raises(UsageError, match="fixed"):
        campaign.save()
    campaign.refresh_from_db()
    assert campaign.settings["max_cloud"] == 50
    campaign.name = "Another name"
    campaign.save()


def test_source_is_fixed_with_the_first_build():
    campaign = make_campaign()
    Build.begin(campaign.want([WEST])[0])
    campaign.catalog = "/elsewhere"
    with pytest.raises(UsageError, match="fixed"):
        campaign.save()


def test_slugs_are_free():
    slugs = [
        Campaign.objects.create(name="Summer 2023", catalog="/d", settings=SETTINGS).slug for _ in range(3)
    ]
    assert slugs == ["summer-2023", "summer-2023-2", "summer-2023-3"]
    assert Campaign.objects.create(name="!!!", catalog="/d", settings=SETTINGS).slug == "campaign"


def test_equal_settings_have_one_fingerprint():
    one, two = make_campaign("one"), make_campaign("two")
    assert one.fingerprint == two.fingerprint != make_campaign("three", max_cloud=10).fingerprint


def test_wanting_makes_rows_once_with_their_footprint():
    campaign = make_campaign()
    first = campaign.want([WEST, "33TXL"])
    second = campaign.want([WEST])
    assert [tile.tile_id for tile in first] == [WEST, "33TXL"]
    assert second[0].pk == first[0].pk
    assert second[0].status == "wanted"
    tile = GridTile.objects.get(name=WEST)
    assert tile.zone == 33 and tile.epsg == 32633 and tile.footprint.srid == 4326
    assert Event.objects.filter(subject="tile", before="idle", after="wanted").count() == 2


def test_who_sees_a_private_campaign(customer, colleague, reviewer, operator, stranger):
    campaign = make_campaign("private", public=False)
    campaign.owner = customer
    campaign.save()
    seen = {user.username: campaign in Campaign.objects.visible_to(user) for user in (
        customer, colleague, reviewer, operator, stranger)}  # fmt: skip
    assert seen == {
        "customer": True, "colleague": False, "reviewer": True, "operator": True, "stranger": False,
    }  # fmt: skip
    assert campaign not in Campaign.objects.visible_to(AnonymousUser())


def test_a_campaign_goes_with_all_that_belongs_to_it(alps):
    alps.delete()
    assert not Build.objects.exists()
