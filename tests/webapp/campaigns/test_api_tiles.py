import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.webapp.products import EAST, WEST, fill_hole, make_tile
from webapp.campaigns.models import Build, CampaignTile, Revision

pytestmark = pytest.mark.django_db

TILES = "/api/campaigns/alps/tiles/"


def by_name(answer):
    return {feature["properties"]["name"]: feature["properties"] for feature in answer.json()["features"]}


def test_tiles_are_geojson_with_their_state(as_, alps):
    alps.want([EAST])
    answer = as_().get(TILES)
    assert answer.json()["type"] == "FeatureCollection"
    feature = answer.json()["features"][0]
    assert feature["type"] == "Feature" and feature["geometry"]["type"] == "MultiPolygon"
    west, south = feature["geometry"]["coordinates"][0][0][0]
    assert 14 < west < 17 and 44 < south < 47
    tiles = by_name(answer)
    assert tiles[WEST]["status"] == "composite" and tiles[WEST]["coverage"] == 0.9985
    assert tiles[WEST]["revision"] == {"id": Revision.objects.get().pk, "number": 1}
    assert tiles[WEST]["review"] == "unreviewed" and tiles[WEST]["pending"] is False
    wanted = tiles[EAST]
    assert wanted["status"] == "wanted" and wanted["revision"] is wanted["build"] is wanted["review"] is None


def test_stage_and_pending_are_told(as_, alps):
    Revision.begin(alps.tiles.get(tile_id=WEST))
    Build.begin(alps.want([EAST])[0])
    tiles = by_name(as_().get(TILES))
    assert tiles[WEST]["pending"] and tiles[EAST]["stage"] == "scene_list"


def test_the_details_tell_what_shows_older_dates_in_holes(as_, alps):
    assert as_().get(f"{TILES}{WEST}/").json()["fill"] is None
    fill_hole(alps.tiles.get(tile_id=WEST))
    told = as_().get(f"{TILES}{WEST}/").json()["fill"]
    assert (told["share"], told["start"], told["end"]) == (0.0042, "2022-07-01", "2022-08-31")
    (scene,) = told["scenes"]
    assert scene["id"] == "S2A_33TWL_20220711" and scene["datetime"].startswith("2022-07-11")


def test_the_number_of_queries_does_not_grow_with_the_tiles(as_, alps):
    with CaptureQueriesContext(connection) as few:
        as_().get(TILES)
    for name in (EAST, "33TWM", "33TXM", "33TVL"):
        make_tile(alps, name)
    with CaptureQueriesContext(connection) as many:
        assert len(as_().get(TILES).json()["features"]) == 5
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("box", "names"),
    [
        ("15.5,45.2,15.6,45.3", {WEST}),
        ("0,0,1,1", set()),
        ("-180,-90,180,90", {WEST}),
        ("14,44,18,47", {WEST}),
    ],
)
def test_a_box_chooses(as_, alps, box, names):
    assert set(by_name(as_().get(TILES, {"bbox": box}))) == names


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "nan,0,1,1", "5,0,1,1", "0,0,500,1", "0,0,1,inf"])
def test_an_odd_box_is_refused(as_, alps, box):
    answer = as_().get(TILES, {"bbox": box})
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "bbox"


def test_tiles_of_a_private_campaign_are_not_there(as_, secret, customer):
    assert as_().get("/api/campaigns/secret/tiles/").status_code == 404
    assert as_(customer).get("/api/campaigns/secret/tiles/33TWL/").status_code == 404


def test_one_tile_has_its_scenes_and_figures(as_, alps):
    tile = as_().get(f"{TILES}{WEST}/").json()
    assert [scene["rank"] for scene in tile["scenes"]] == [1, None]
    assert tile["scenes"][1]["hazy"] and tile["scenes"][1]["reason"] == "hazy (0.91)"
    assert tile["seam_score"] == 1.08 and tile["warnings"] == []


@pytest.mark.parametrize("name", ["33TXX", "nothing", "33twl"])
def test_a_tile_that_is_not_there(as_, alps, name):
    assert as_().get(f"{TILES}{name}/").status_code == 404


def test_sentences_are_for_those_with_a_role(as_, alps, customer, stranger):
    CampaignTile.objects.update(status_text="The catalog /data is empty.")
    assert by_name(as_(customer).get(TILES))[WEST]["status_text"] == "The catalog /data is empty."
    assert by_name(as_().get(TILES))[WEST]["status_text"] == ""
    assert by_name(as_(stranger).get(TILES))[WEST]["status_text"] == ""


def test_history_is_for_the_desk(as_, alps, reviewer, customer):
    events = as_(reviewer).get(f"{TILES}{WEST}/history/").json()
    assert events[0]["subject"] == "revision" and events[-1]["after"] == "wanted"
    assert as_(customer).get(f"{TILES}{WEST}/history/").status_code == 404
    assert as_().get(f"{TILES}{WEST}/history/").status_code == 404


def test_operators_build_again(as_, alps, operator, queues):
    answer = as_(operator).post(f"{TILES}{WEST}/rebuild/")
    assert answer.status_code == 201 and answer.json()["number"] == 2
    assert by_name(as_().get(TILES))[WEST]["status"] == "building"
    assert as_(operator).post(f"{TILES}{WEST}/rebuild/").json()["number"] == 2


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("customer", 403), ("reviewer", 403)])
def test_others_do_not_build_again(as_, alps, person, role, status):
    answer = as_(person("somebody", role) if role else None).post(f"{TILES}{WEST}/rebuild/")
    assert answer.status_code == status and Build.objects.count() == 1


def test_a_failed_tile_can_be_tried_again(as_, alps, operator):
    alps.want([EAST])
    alps.tiles.filter(tile_id=EAST).update(status="failed")
    assert as_(operator).post(f"{TILES}{EAST}/rebuild/").status_code == 201
