"""The page of networks."""

import pytest

from pipeline.networks import NAMES
from pipeline.networks.card import read_card
from pipeline.networks.registry import WEIGHTS
from tests.webapp.products import make_campaign
from tests.weights import write_own
from webapp.campaigns.networks import store
from webapp.maps.models_page import figures_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(storage, tmp_path):
    """Registered weights for "buildings" with a picture."""
    write_own(tmp_path / "own", weaknesses=("Glass <roofs>.",), picture="drawn so", made_from="buildings 1")
    (tmp_path / "own" / "buildings.png").write_bytes((WEIGHTS / "buildings.png").read_bytes())
    return store().add("buildings", tmp_path / "own")


def picture_of(card):
    return f"/models/{card.name}/{card.sha256[:12]}.png"


def test_all_networks_are_told_with_version_figures_and_weaknesses(client, storage):
    page = client.get("/models/").content.decode()
    for name in NAMES:
        card = read_card(WEIGHTS / f"{name}.json")
        assert f'id="{name}"' in page and card.sha256 in page and card.version in page
        assert page.count(card.weaknesses[0].replace("'", "&#x27;")) == 1
        assert next(iter(card.figures)) in page
        answer = client.get(picture_of(card))
        assert answer.status_code == 200 and answer["Content-Type"] == "image/png"


def test_registered_weights_are_for_the_desk(client, own, reviewer, customer):
    client.force_login(customer)
    assert "Glass" not in client.get("/models/").content.decode()
    assert client.get(picture_of(own.card)).status_code == 404
    client.force_login(reviewer)
    page = client.get("/models/").content.decode()
    assert "Glass &lt;roofs&gt;." in page and "Started from buildings 1." in page
    assert client.get(picture_of(own.card)).status_code == 200


def test_the_campaigns_that_use_weights_are_named_to_who_may_see_them(client, own, operator):
    pins = {"buildings": str(own.pin)}
    make_campaign("open")
    make_campaign("hidden", public=False, networks=pins)
    page = client.get("/models/").content.decode()
    assert page.count("/?campaign=open") == len(NAMES) and "hidden" not in page
    client.force_login(operator)
    page = client.get("/models/").content.decode()
    assert page.count("/?campaign=hidden") == len(NAMES) and page.count("/?campaign=open") == len(NAMES)


@pytest.mark.parametrize("address", ["/models/cirrus/0123.png", "/models/cloud/0123.png"])
def test_pictures_that_are_not_there_are_not_found(client, storage, address):
    assert client.get(address).status_code == 404


def test_figures_are_told_in_words():
    values = {
        "pixels": 9,
        "mean_iou": 0.5,
        "auc": None,
        "classes": {"cloud": {"f1": 0.25}, "snow": {"f1": None}},
    }
    assert figures_of(values) == [("mean IoU", "0.500"), ("F1 cloud", "0.250"), ("F1 snow", "–")]
    assert figures_of({"scores": {"S2A_1": 0.003}}) == [("S2A_1", "0.003")]
