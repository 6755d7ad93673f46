"""What the admin pages refuse, they refuse in words."""

import json

import pytest

from pipeline.errors import SourceError
from pipeline.settings import CampaignSettings
from pipeline.settings_told import settings_told
from pipeline.tone.curve import default_curve
from tests.webapp.products import SETTINGS, WEST, make_campaign
from webapp.accounts.models import User
from webapp.campaigns.models import Build, Campaign, Edition, pinned
from webapp.campaigns.settings_form import TOLD

ADD = "/admin/campaigns/campaign/add/"


@pytest.fixture
def root(client, db):
    """A client signed in as one who may do everything."""
    client.force_login(User.objects.create_superuser("root"))
    return client


def form(asked):
    """What the page sends for a campaign of these settings."""
    sent = {"slug": "summer", "name": "Summer", "catalog": "/data"}
    sent |= {f"network_{name.replace('-', '_')}": pin for name, pin in asked.get("networks", {}).items()}
    for name, value in ({one.name: one.default for one in TOLD.values()} | asked).items():
        if value is True:
            sent[name] = "on"
        elif value is not None and value is not False:
            sent[name] = json.dumps(value) if isinstance(value, dict) else str(value)
    return sent


def text_of(answer):
    return answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (SETTINGS | {"share": 2}, "Ensure this value is less than or equal to 1."),
        (SETTINGS | {"share": "all"}, "Enter a number."),
        (SETTINGS | {"clear_dates": 1.5}, "Enter a whole number."),
        (SETTINGS | {"resolution": 7}, "Select a valid choice. 7 is not one of the available choices."),
        (SETTINGS | {"end": "2023-07-01"}, "The end date 2023-07-01 lies before the start date 2023-08-01."),
        (SETTINGS | {"target_date": "soon"}, "Enter a valid date."),
        (
            SETTINGS | {"target_date": "2022-08-15"},
            "The target date must lie from 2023-08-01 to 2023-08-31, not on 2022-08-15.",
        ),
        (SETTINGS | {"fill_start": "2022-08-01"}, "fill_end is missing."),
        (SETTINGS | {"tone": "sepia"}, "The tone curve must be default or a table, not 'sepia'."),
        (SETTINGS | {"tone": "{sepia"}, "The table of the tone curve is no JSON"),
        (SETTINGS | {"networks": {"cloud": "0.0.1"}}, "Select a valid choice. 0.0.1 is not one of"),
        ({"end": "2023-08-31"}, "This field is required."),
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
    assert made.pipeline_settings == pinned(CampaignSettings.from_json(SETTINGS))
    address = f"/admin/campaigns/campaign/{made.pk}/change/"
    answer = root.post(address, form(made.settings | {"share": 0}))
    assert answer.status_code == 200 and "greater than or equal to 0.01" in text_of(answer)
    assert root.post(address, form(made.settings | {"share": 0.9})).status_code == 302
    made.refresh_from_db()
    assert made.settings["share"] == 0.9


def test_every_setting_can_be_given_on_the_page_and_comes_back(root):
    asked = SETTINGS | {
        "max_cloud": 70.0,
        "resolution": 20,
        "level": "L1C",
        "share": 0.98,
        "clear_dates": 2,
        "target_date": "2023-08-15",
        "south_start": "2024-01-01",
        "south_end": "2024-02-28",
        "south_target_date": "2024-02-01",
        "least_gain": 0.001,
        "clear_gain": 0.002,
        "most_further": 2,
        "series": 1,
        "margin": 60.0,
        "preview_margin": 320.0,
        "agree_datatakes": True,
        "fill_hazy": True,
        "fill_start": "2022-06-01",
        "fill_end": "2022-08-31",
        "tone": default_curve().to_json(),
    }
    assert set(asked) == {one.name for one in settings_told()} - {"networks"}
    assert root.post(ADD, form(asked)).status_code == 302
    made = Campaign.objects.get()
    assert made.pipeline_settings == pinned(CampaignSettings.from_json(asked))
    page = root.get(f"/admin/campaigns/campaign/{made.pk}/change/")
    shown = page.context["adminform"].form
    sent = {name: shown[name].value() for name in asked}
    assert root.post(f"/admin/campaigns/campaign/{made.pk}/change/", form(sent)).status_code == 302
    made.refresh_from_db()
    assert made.pipeline_settings == pinned(CampaignSettings.from_json(asked))
    assert all(one.words[1:] in page.content.decode() for one in TOLD.values())


def test_a_campaign_with_builds_can_be_named_anew_whatever_its_networks_are(root):
    campaign = make_campaign(networks={"cloud": "0.0.1"})
    Build.begin(campaign.want([WEST])[0])
    answer = root.post(f"/admin/campaigns/campaign/{campaign.pk}/change/", {"name": "Another name"})
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert campaign.name == "Another name" and campaign.settings["networks"]["cloud"] == "0.0.1"


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
