"""What the admin pages refuse, they refuse in words."""

import json

import pytest

from pipeline.errors import SourceError
from tests.webapp.products import SETTINGS, WEST, make_campaign
from webapp.accounts.models import User
from webapp.campaigns.models import Build, Campaign, Edition

ADD = "/admin/campaigns/campaign/add/"


@pytest.fixture
def root(client, db):
    """A client signed in as one who may do everything."""
    client.force_login(User.objects.create_superuser("root"))
    return client


def form(asked):
    return {"slug": "summer", "name": "Summer", "catalog": "/data", "settings": json.dumps(asked)}


def text_of(answer):
    return answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (SETTINGS | {"share": 2}, "share must be a number"),
        (SETTINGS | {"end": "2023-07-01"}, "The end date 2023-07-01 lies before the start date 2023-08-01."),
        (SETTINGS | {"target_date": "soon"}, "'soon' is no date: write it as YYYY-MM-DD."),
        (SETTINGS | {"colour": "red"}, "Unknown campaign setting: colour."),
        (SETTINGS | {"networks": {"cloud": "0.0.1"}}, "The network cloud is pinned at 0.0.1, but"),
        (SETTINGS | {"networks": {"nothing": "1"}}, "There is no network named 'nothing'"),
        ({"end": "2023-08-31"}, "The settings lack the start date."),
        (["2023-08-01"], "The settings must be an object, not ['2023-08-01']."),
        ("summer", "The settings must be an object, not 'summer'."),
    ],
)
def test_a_campaign_with_impossible_settings_is_refused_on_the_page(root, asked, sentence):
    answer = root.post(ADD, form(asked))
    assert answer.status_code == 200
    assert sentence in text_of(answer)
    assert not Campaign.objects.exists()


def test_a_campaign_with_good_settings_is_made_and_changed(root):
    assert root.post(ADD, form(SETTINGS)).status_code == 302
    made = Campaign.objects.get()
    assert made.settings["share"] == 0.999
    address = f"/admin/campaigns/campaign/{made.pk}/change/"
    answer = root.post(address, form(made.settings | {"share": "all"}))
    assert answer.status_code == 200 and "share must be a number" in text_of(answer)
    assert root.post(address, form(made.settings | {"share": 0.9})).status_code == 302
    made.refresh_from_db()
    assert made.settings["share"] == 0.9


def test_a_campaign_with_builds_can_be_named_anew_whatever_its_networks_are(root):
    campaign = make_campaign(networks={"cloud": "0.0.1"})
    Build.begin(campaign.want([WEST])[0])
    answer = root.post(f"/admin/campaigns/campaign/{campaign.pk}/change/", {"name": "Another name"})
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert campaign.name == "Another name" and campaign.settings["networks"] == {"cloud": "0.0.1"}


@pytest.mark.parametrize("page", ["campaigns/gridtile", "orders/order", "review/review"])
def test_rows_that_only_the_application_makes_cannot_be_added_by_hand(root, page):
    assert root.post(f"/admin/{page}/add/", {}).status_code == 403


def test_an_edition_whose_low_zooms_cannot_be_made_is_told_on_the_page(root, alps, monkeypatch):
    def broken(campaign):
        raise SourceError("The mosaic is cut off.")

    monkeypatch.setattr("webapp.campaigns.pyramid.refresh", broken)
    asked = {"action": "publish", "_selected_action": [alps.pk]}
    answer = root.post("/admin/campaigns/campaign/", asked, follow=True)
    assert answer.status_code == 200 and "The mosaic is cut off." in text_of(answer)
    assert not Edition.objects.exists()
