"""The history of tiles as pages and files, and editions that are compared and taken back."""

import csv
import io
import json

import pytest
import shapely

from tests.webapp.products import EAST, WEST, make_revision, make_tiles
from webapp.campaigns.comparison import compare
from webapp.campaigns.models import Edition, Event, Revision, Withdrawal
from webapp.review.answers import Drawing
from webapp.review.services import give

pytestmark = pytest.mark.django_db
SQUARE = shapely.multipolygons([shapely.box(15.5, 45.5, 15.6, 45.6)])


def content(answer):
    assert answer.status_code == 200
    return answer.getvalue().decode()


@pytest.fixture
def signed_in(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def judged(alps, reviewer):
    """A tile whose first revision was rejected with a drawing, and whose second waits."""
    drawn = [Drawing("classes", SQUARE, 3, "Wood."), Drawing("seam", SQUARE)]
    give(reviewer, Revision.objects.get(), "reject", "classes", "Wrong, twice.", drawings=drawn)
    make_revision(alps.tiles.get(), values=(140, 130, 90, 200), landcover=2)
    return alps


def test_verdicts_as_csv(judged, signed_in):
    rows = list(csv.DictReader(io.StringIO(content(signed_in.get("/review/progress/alps/reviews.csv")))))
    (row,) = rows
    assert (row["tile"], row["revision"], row["verdict"], row["reason"]) == (WEST, "1", "reject", "classes")
    assert row["words"] == "Wrong, twice." and row["reviewer"] == "reviewer" and row["defects"] == "2"
    assert row["scenes"] == f"S2A_{WEST}_20230815" and row["wishes"] == "correct the class of an area"
    assert row["answered_by"] == "2" and row["seam_score"] == "1.08"


def test_verdicts_as_geojson_with_what_was_drawn(judged, signed_in):
    found = json.loads(content(signed_in.get("/review/progress/alps/reviews.geojson")))
    kinds = [one["properties"].get("defect", "verdict") for one in found["features"]]
    assert kinds == ["verdict", "classes", "seam"]
    assert found["features"][1]["properties"]["class"] == 3
    assert shapely.from_geojson(json.dumps(found["features"][1]["geometry"])).equals(SQUARE)


def test_files_of_one_tile_and_of_nothing(judged, signed_in):
    address = "/review/progress/alps/reviews."
    assert len(content(signed_in.get(f"{address}csv?tile={EAST}")).splitlines()) == 1
    assert json.loads(content(signed_in.get(f"{address}geojson?tile={EAST}")))["features"] == []


def test_the_page_of_a_tile_tells_all_and_what_changed(judged, signed_in):
    page = signed_in.get(f"/review/history/alps/{WEST}/?before=1&after=2").content.decode()
    for words in ("Wrong, twice.", "wrong landcover", "correct the class of an area", "1: 2023-08-15"):
        assert words in page
    assert "66.667 %" in page and "rev" in page
    changed = 183 * 122
    assert f"<td>{changed}</td>" in page


def test_a_comparison_whose_files_are_gone_is_told(judged, signed_in):
    (Revision.objects.get(number=1).path / "mosaic.tif").unlink()
    page = signed_in.get(f"/review/history/alps/{WEST}/?before=1&after=2").content.decode()
    assert "cannot be read as a raster" in page


def test_the_workspace_offers_the_other_revisions(judged, as_, reviewer):
    build = judged.tiles.get().current_build_id
    desk = as_(reviewer).get(f"/api/desk/{build}/").json()
    (other,) = desk["others"]
    assert other["number"] == 1 and desk["revision"]["number"] == 2
    address = other["layers"]["rgb"].format(z=9, x=278, y=183)
    assert f"?r={other['key']}-" in address


@pytest.mark.parametrize(
    "address", ["progress/alps/", "progress/alps/reviews.csv", f"history/alps/{WEST}/", "progress/"]
)
def test_all_of_it_is_for_reviewers(alps, client, customer, address):
    assert client.get(f"/review/{address}").status_code == 302
    client.force_login(customer)
    assert client.get(f"/review/{address}").status_code == 404


@pytest.fixture
def editions(alps):
    """Two editions: the second has another revision of the western tile, and the eastern one besides."""
    first = Edition.publish(alps)
    make_tiles(alps, EAST)
    row = alps.tiles.get(tile_id=WEST)
    make_revision(row)
    return first, Edition.publish(alps)


def test_editions_are_compared(editions, signed_in):
    found = {line.tile: line.kind for line in compare(*editions)}
    assert found == {WEST: "changed", EAST: "new"}
    assert {line.kind for line in compare(*reversed(editions))} == {"changed", "gone"}
    page = signed_in.get("/review/progress/alps/editions/?before=1&after=2").content.decode()
    assert "2 tiles differ" in page and "?right=rev" in page
    assert signed_in.get("/review/progress/alps/editions/?before=1&after=9").status_code == 404


def test_an_edition_is_taken_back_and_the_one_before_is_the_latest(editions, as_, operator, client):
    address = "/api/campaigns/alps/editions/2/withdraw/"
    assert as_(operator).post(address, {"words": ""}).status_code == 400
    assert as_(operator).post(address, {"words": "A cloud over the coast."}).status_code == 204
    assert as_().get("/api/campaigns/alps/").json()["latest_edition"] == 1
    assert [one["number"] for one in as_().get("/api/campaigns/alps/editions/").json()] == [1]
    gone = client.get("/tiles/alps/2/rgb/tilejson.json")
    assert gone.status_code == 404 and "A cloud over the coast." in gone.json()["error"]["message"]
    assert client.get("/tiles/alps/latest/rgb/tilejson.json").headers["Location"].startswith("/tiles/alps/1/")
    event = Event.objects.get(subject="edition", after="withdrawn")
    assert event.by == operator and event.text == "A cloud over the coast."
    assert as_(operator).post(address, {"words": "Again."}).status_code == 400


def test_what_was_taken_back_is_found_nowhere_else(editions, as_, operator):
    Withdrawal.take_back(editions[1], "A mistake.", operator)
    found = as_().get("/stac/collections").json()["collections"]
    assert [one["id"] for one in found] == ["alps.1"]
    assert as_().get("/stac/collections/alps.2").status_code == 404
    assert as_().get("/api/campaigns/alps/editions/2/packed/").status_code == 404
    assert as_().get("/api/campaigns/alps/editions/1/packed/").status_code == 200


def test_what_was_taken_back_can_be_published_again(editions, alps, operator):
    Withdrawal.take_back(editions[1], "A mistake.", operator)
    assert Edition.publish(alps).number == 3


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("customer", 403), ("reviewer", 403)])
def test_only_operators_take_back(editions, as_, person, role, status):
    client = as_(person("somebody", role) if role else None)
    answer = client.post("/api/campaigns/alps/editions/2/withdraw/", {"words": "No."})
    assert answer.status_code == status and not Withdrawal.objects.exists()


def test_the_only_edition_taken_back_leaves_nothing_to_see(alps, client, operator):
    Withdrawal.take_back(Edition.publish(alps), "Too early.", operator)
    answer = client.get("/tiles/alps/latest/rgb/tilejson.json")
    assert answer.status_code == 404 and "No edition" in answer.json()["error"]["message"]
