"""Asking for many tiles at once: of all land, of an area, or by name."""

import json

import pytest
from django.core.management import CommandError, call_command
from shapely import MultiPolygon, box

from pipeline.errors import UsageError
from pipeline.grid import tiles_of
from pipeline.land import LandLimits, tiles_of_land
from tests.webapp.products import EAST, WEST, make_campaign
from webapp.campaigns import wanting
from webapp.campaigns.models import Build, CampaignTile, Event
from webapp.campaigns.wanting import names_as_given, names_of_area, want_all

pytestmark = pytest.mark.django_db

WANT = "/api/campaigns/alps/want/"
AREA = {
    "type": "Polygon",
    "coordinates": [[[15.1, 45.2], [15.9, 45.2], [15.9, 45.8], [15.1, 45.8], [15.1, 45.2]]],
}
ICE = MultiPolygon([box(-42.01, 71.99, -41.99, 72.01)])
PATCH = {"north": 46, "south": 45, "island_km2": 1_000_000}


@pytest.fixture
def few(monkeypatch):
    """All land is two tiles: what is tested is how they are asked for."""
    monkeypatch.setattr(
        wanting,
        "tiles_of_land",
        lambda limits: [one for one in tiles_of_land(limits) if one.name in (WEST, EAST)],
    )


@pytest.fixture
def plain(storage, queues):
    return make_campaign()


def test_wanted_tiles_are_begun_and_their_history_written(plain, operator):
    assert want_all(plain, [WEST, EAST], operator) == 2
    assert {row.status for row in plain.tiles.all()} == {"building"}
    assert Build.objects.count() == 2
    moves = Event.objects.filter(subject="tile", after="wanted")
    assert {(event.tile_name, event.by) for event in moves} == {(WEST, operator), (EAST, operator)}


def test_what_was_asked_for_before_stays_as_it_is(plain):
    want_all(plain, [WEST])
    CampaignTile.objects.filter(tile_id=WEST).update(status="failed")
    assert want_all(plain, [WEST, EAST]) == 1
    assert plain.tiles.get(tile_id=WEST).status == "failed"


def test_all_land_is_asked_for_by_the_command(plain, few, capsys):
    call_command("want_tiles", campaign="alps", land=True)
    assert "2 tiles, 2 of them new" in capsys.readouterr().out
    assert {row.tile_id for row in plain.tiles.all()} == {WEST, EAST}


def test_a_dry_run_tells_how_many_tiles_all_land_is(plain, capsys):
    call_command("want_tiles", campaign="alps", land=True, dry_run=True)
    assert "17221 tiles with 133.3 million km2 of land" in capsys.readouterr().out
    call_command("want_tiles", campaign="alps", land=True, dry_run=True, north=10.0, island_km2=1e6)
    fewer = len(tiles_of_land(LandLimits(10, -60, 1e6)))
    assert f"{fewer} tiles with" in capsys.readouterr().out
    assert not plain.tiles.exists()


def test_an_area_is_asked_for_by_the_command(plain, tmp_path):
    path = tmp_path / "aoi.geojson"
    path.write_text(json.dumps(AREA))
    call_command("want_tiles", campaign="alps", aoi=path)
    assert WEST in {row.tile_id for row in plain.tiles.all()}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"campaign": "none", "land": True}, "There is no campaign 'none'"),
        ({"campaign": "alps", "tile": ["33XXX"]}, "is no tile of the Sentinel-2 grid"),
        ({"campaign": "alps", "tile": ["33NZZ"]}, "33NZZ"),
        ({"campaign": "alps", "land": True, "north": 99.0}, "north must be a number from -80 to 84 degrees"),
    ],
)
def test_the_command_refuses_in_a_sentence(plain, asked, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("want_tiles", **asked)
    assert refused.value.returncode == 2


def test_the_api_takes_land_an_area_or_names(as_, plain, operator, few):
    answer = as_(operator).post(WANT, {"land": {}}, format="json")
    assert answer.status_code == 200 and answer.json() == {"tiles": 2, "new": 2}
    answer = as_(operator).post(WANT, {"land": PATCH}, format="json")
    assert answer.status_code == 200 and answer.json()["new"] == 0
    answer = as_(operator).post(WANT, {"tiles": ["T33TWM", WEST]}, format="json")
    assert answer.json() == {"tiles": 2, "new": 1}
    answer = as_(operator).post(WANT, {"aoi": AREA}, format="json")
    assert answer.status_code == 200 and answer.json()["tiles"] >= 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "Exactly one of"),
        ({"land": {}, "tiles": [WEST]}, "Exactly one of"),
        ({"tiles": []}, "tiles"),
        ({"tiles": ["nowhere"]}, "tile"),
        ({"aoi": {"type": "Point", "coordinates": [1, 2]}}, "aoi"),
        ({"land": {"north": 100}}, "north"),
        ({"land": {"north": "far"}}, "land"),
    ],
)
def test_the_api_refuses_with_the_name_of_the_field(as_, plain, operator, body, field):
    answer = as_(operator).post(WANT, body, format="json")
    assert answer.status_code == 400 and field in json.dumps(answer.json())
    assert not plain.tiles.exists()


def test_only_operators_may_ask(as_, plain, customer, reviewer):
    for person in (customer, reviewer, None):
        assert as_(person).post(WANT, {"tiles": [WEST]}, format="json").status_code in (401, 403)
    assert not plain.tiles.exists()


def test_the_admin_page_asks_for_all_land(plain, client, few):
    from webapp.accounts.models import User

    client.force_login(User.objects.create_superuser("root"))
    answer = client.post(
        "/admin/campaigns/campaign/", {"action": "want_land", "_selected_action": [plain.pk]}, follow=True
    )
    assert "2 tiles of all land; 2 are new" in answer.content.decode()
    assert plain.tiles.count() == 2


def test_neighbours_stand_in_for_a_tile_that_is_not_published():
    assert "24WUE" in {tile.name for tile in tiles_of(ICE)}
    names = names_of_area(ICE)
    assert "24WUE" not in names and "23WPV" in names


def test_a_tile_that_is_not_published_is_refused():
    with pytest.raises(UsageError, match="No tile of Sentinel-2 lies there"):
        names_as_given(["24WUE"])
