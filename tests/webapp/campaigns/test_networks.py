"""The weights that campaigns are built with: chosen before the first build, fixed by it, found by workers."""

import shutil

import pytest
from django.core.management import CommandError, call_command

from pipeline import chain
from pipeline.errors import UsageError
from pipeline.networks import NAMES, SHIPPED
from pipeline.settings import CampaignSettings
from tests.webapp.products import SETTINGS, WEST, make_campaign
from tests.weights import write_own
from webapp.accounts.models import User
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Campaign, fingerprint
from webapp.campaigns.networks import store
from webapp.campaigns.settings_form import TOLD
from webapp.orders.services import campaign_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(storage, tmp_path):
    """The pin of registered weights for "buildings"."""
    write_own(tmp_path / "own")
    return str(store().add("buildings", tmp_path / "own").pin)


@pytest.fixture
def root(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def unpinned(catalog="/data"):
    """A campaign as they were before networks were pinned."""
    campaign = make_campaign("before")
    settings = CampaignSettings.from_json({**campaign.settings, "networks": {}})
    known = {
        "catalog": catalog,
        "settings": settings.to_json(),
        "fingerprint": fingerprint(catalog, settings),
    }
    Campaign.objects.filter(pk=campaign.pk).update(**known)
    campaign.refresh_from_db()
    return campaign


def begin(campaign):
    return Build.begin(campaign.want([WEST])[0])


def test_a_campaign_pins_what_ships_with_version_and_hash(storage):
    campaign = make_campaign()
    assert campaign.settings["networks"] == SHIPPED.pinned()
    assert set(campaign.settings["networks"]) == set(NAMES)
    assert all("@sha256:" in pin for pin in campaign.settings["networks"].values())


def test_a_campaign_pins_weights_of_its_own_beside_those_that_ship(own):
    campaign = make_campaign(networks={"buildings": "7.0.0"})
    assert campaign.settings["networks"] == SHIPPED.pinned() | {"buildings": own}
    assert campaign.fingerprint != make_campaign("other").fingerprint


def test_other_weights_are_another_campaign_once_there_are_builds(own):
    campaign = make_campaign()
    campaign.settings = SETTINGS | {"networks": {"buildings": own}}
    campaign.save()
    begin(campaign)
    for pins in ({"buildings": SHIPPED.pinned()["buildings"]}, {"buildings": own, "cloud": "1.0.0"}):
        campaign.settings = SETTINGS | {"networks": pins}
        with pytest.raises(UsageError, match="other weights are another campaign") as refused:
            campaign.save()
        assert refused.value.field == "networks"
    campaign.refresh_from_db()
    assert campaign.settings["networks"]["buildings"] == own


@pytest.mark.parametrize("pins", [{}, {"buildings": "7.0.0"}])
def test_fixed_networks_need_not_be_told_again(own, pins):
    campaign = make_campaign(networks={"buildings": own})
    begin(campaign)
    campaign.settings, campaign.name = SETTINGS | {"networks": pins}, "Another name"
    campaign.save()
    assert campaign.settings["networks"] == SHIPPED.pinned() | {"buildings": own}


def test_a_campaign_of_before_is_pinned_by_its_first_build(storage):
    campaign = unpinned()
    begin(campaign)
    campaign.refresh_from_db()
    assert campaign.settings["networks"] == SHIPPED.pinned()


def test_a_campaign_of_before_with_builds_stays_as_it_is(storage, own):
    campaign = unpinned()
    Build.objects.create(campaign_tile=campaign.want([WEST])[0], number=1, folder="before/1")
    campaign.name = "Another name"
    campaign.save()
    assert campaign.settings["networks"] == {}
    campaign.settings["networks"] = {"buildings": own}
    with pytest.raises(UsageError, match="another campaign"):
        campaign.save()


def test_an_order_finds_the_pinned_campaign_and_the_one_of_before(storage, customer, tmp_path):
    wanted = CampaignSettings.from_json(SETTINGS)
    made = campaign_of(str(tmp_path), wanted, customer)
    assert made.settings["networks"] == SHIPPED.pinned()
    assert campaign_of(str(tmp_path), wanted, customer) == made
    before = unpinned(catalog=str(tmp_path / "before"))
    (tmp_path / "before").mkdir()
    assert campaign_of(before.catalog, wanted, customer) == before


def test_a_worker_builds_with_the_pinned_weights_and_keeps_those_that_ship(own, queues, monkeypatch):
    seen = {}

    def look(work, *asked):
        seen.update({name: work.networks.load(name).sha256 for name in NAMES})

    monkeypatch.setattr(chain, "make_scene_list", look)
    campaign = make_campaign(networks={"buildings": own})
    run_build(begin(campaign).pk)
    assert seen == {name: pin.partition("@sha256:")[2] for name, pin in campaign.settings["networks"].items()}
    for name, sha256 in seen.items():
        assert next((store().folder / name).glob(f"*-{sha256[:12]}/{name}.safetensors"))


def test_a_build_whose_weights_are_gone_fails_with_a_sentence(own, queues):
    campaign = make_campaign(networks={"buildings": own})
    shutil.rmtree(store().folder / "buildings")
    build = begin(campaign)
    run_build(build.pk)
    build.refresh_from_db()
    assert build.status == "failed"
    assert "buildings is pinned at 7.0.0" in build.error and "no such weights are registered" in build.error


def test_the_command_registers_weights(storage, tmp_path, capsys):
    card = write_own(tmp_path / "own")
    call_command("register_weights", "buildings", str(tmp_path / "own"))
    assert capsys.readouterr().out.strip() == f"buildings 7.0.0@sha256:{card.sha256}"
    assert (storage / ".models/buildings" / f"7.0.0-{card.sha256[:12]}" / "buildings.safetensors").is_file()
    (tmp_path / "own/buildings.safetensors").write_bytes(b"something else")
    with pytest.raises(CommandError, match="the card says"):
        call_command("register_weights", "buildings", str(tmp_path / "own"))


NEW = {"name": "Summer", "catalog": "/data"}


def test_operators_choose_registered_weights_over_the_api(as_, operator, own):
    asked = {**NEW, "settings": SETTINGS | {"networks": {"buildings": "7.0.0"}}}
    answer = as_(operator).post("/api/campaigns/", asked)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["settings"]["networks"]["buildings"] == own
    begin(Campaign.objects.get(slug=answer.json()["slug"]))
    address = f"/api/campaigns/{answer.json()['slug']}/"
    refused = as_(operator).patch(address, {"settings": SETTINGS | {"networks": SHIPPED.pinned()}})
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "networks"
    assert "other weights are another campaign" in refused.json()["error"]["message"]
    assert as_(operator).patch(address, {"settings": SETTINGS}).status_code == 200


@pytest.mark.parametrize("pin", ["7.0.1", "7.0.0@sha256:" + "0" * 64, "seven of them"])
def test_weights_that_nobody_registered_are_refused_by_the_api(as_, operator, own, pin):
    asked = {**NEW, "settings": SETTINGS | {"networks": {"buildings": pin}}}
    answer = as_(operator).post("/api/campaigns/", asked)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "settings.networks"
    assert not Campaign.objects.exists()


def test_the_api_lists_the_weights_that_can_be_pinned(as_, operator, customer, own):
    def listed(person):
        return as_(person).get("/api/models/").json()

    shipped = SHIPPED.pinned()
    assert {one["name"]: one["pin"] for one in listed(customer)} == shipped
    assert {one["pin"] for one in listed(operator)} == {*shipped.values(), own}
    (mine,) = [one for one in listed(operator) if not one["ships"]]
    assert mine["name"] == "buildings" and mine["version"] == "7.0.0" and mine["sha256"] in own
    assert mine["classes"] == ["other", "residential", "industrial"]


ADD = "/admin/campaigns/campaign/add/"


def form(settings, **networks):
    defaults = {
        name: one.default for name, one in TOLD.items() if one.default is not None and one.kind != "flag"
    }
    return {"slug": "summer", **NEW, **defaults, **settings, **networks}


def test_the_admin_page_offers_the_weights(root, own):
    page = root.get(ADD).content.decode()
    assert own in page and "7.0.0 (registered, " in page and page.count("(ships, ") == len(NAMES)
    assert root.post(ADD, form(SETTINGS, network_buildings=own)).status_code == 302
    made = Campaign.objects.get()
    assert made.settings["networks"] == SHIPPED.pinned() | {"buildings": own}
    address = f"/admin/campaigns/campaign/{made.pk}/change/"
    assert f'<option value="{own}" selected>' in root.get(address).content.decode()
    assert root.post(address, form(SETTINGS)).status_code == 302
    made.refresh_from_db()
    assert made.settings["networks"] == SHIPPED.pinned()


def test_the_admin_page_refuses_weights_that_are_not_there(root, own):
    answer = root.post(ADD, form(SETTINGS, network_buildings="7.0.1"))
    assert answer.status_code == 200 and "Select a valid choice" in answer.content.decode()
    assert not Campaign.objects.exists()


def test_the_admin_page_offers_nothing_once_there_are_builds(root, own):
    campaign = make_campaign(networks={"buildings": own})
    begin(campaign)
    address = f"/admin/campaigns/campaign/{campaign.pk}/change/"
    page = root.get(address).content.decode()
    assert "network_buildings" not in page and own in page
    assert root.post(address, {"name": "Anew", "network_buildings": ""}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.name == "Anew" and campaign.settings["networks"]["buildings"] == own
