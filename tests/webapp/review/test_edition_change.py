"""Two editions compared: the layer of changes, and what changed in figures."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.webapp.products import EAST, WEST, flat, make_campaign, make_revision, make_tiles, write
from tests.webapp.tileserver.test_views import place
from webapp.campaigns import comparison, web_copies
from webapp.campaigns.models import Edition
from webapp.tileserver.changes import CHANGES, GAINED, LOST, MOSAIC_LOST, codes_of
from webapp.tileserver.layers import rgb

pytestmark = pytest.mark.django_db

SPOT = (15.3, 45.7)
ELSEWHERE = (15.3, 45.3)


@pytest.fixture
def two(db, storage, queues):
    """Two editions: in the second the north of one tile is another mosaic and water, was trees."""
    campaign = make_campaign()
    rows = make_tiles(campaign, WEST, EAST)
    before = Edition.publish(campaign)
    make_revision(rows[0])
    folder = campaign.tiles.get(tile_id=WEST).current_revision.path
    codes, mosaic = flat(3), flat(120, 130, 90, 200)
    codes[:, :92, :122] = 1
    mosaic[:, :92, :122] += 40
    write(folder / "landcover.tif", WEST, codes, 0)
    write(folder / "mosaic.tif", WEST, mosaic, 0)
    return before, Edition.publish(campaign)


def picture(client, layer, lon, lat, zoom=11, pair="1-2"):
    answer = client.get(f"/review/progress/alps/editions/{pair}/{layer}/{place(lon, lat, zoom)}.webp")
    assert answer.status_code == 200, answer.content
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


@pytest.mark.parametrize("with_copies", [False, True])
def test_changes_are_drawn_in_the_colours_of_before_and_after(two, client, reviewer, with_copies):
    client.force_login(reviewer)
    if with_copies:
        for revision in web_copies.due(two[1]):
            assert web_copies.make(revision)
    colours = {item["label"]: rgb(item["colour"]) for item in CHANGES["classes-after"].legend}
    for layer, colour in (
        ("classes-after", colours["water"]),
        ("classes-before", colours["tree"]),
        ("mosaic-change", rgb("#e31a1c")),
    ):
        shown = picture(client, layer, *SPOT)
        assert tuple(shown[128, 128]) == (*colour, 255), layer
        assert not picture(client, layer, *ELSEWHERE)[..., 3].any()


@pytest.mark.parametrize("layer", list(CHANGES))
def test_low_zooms_show_changes_too_and_equal_editions_show_none(two, client, reviewer, layer):
    client.force_login(reviewer)
    assert picture(client, layer, *SPOT, zoom=7)[..., 3].any()
    assert not picture(client, layer, *SPOT, pair="2-2")[..., 3].any()
    assert not picture(client, layer, *SPOT, zoom=7, pair="1-1")[..., 3].any()


def test_what_is_not_there_is_404_and_the_layer_is_for_reviewers(two, client, as_, reviewer, customer):
    address = f"/review/progress/alps/editions/1-2/classes-after/{place(*SPOT, 11)}.webp"
    assert client.get(address).status_code == 302
    client.force_login(customer)
    assert client.get(address).status_code == 404
    client.force_login(reviewer)
    for wrong in (
        address.replace("classes-after", "nothing"),
        address.replace("1-2", "1-9"),
        f"/review/progress/alps/editions/1-2/classes-after/{place(-60.0, 0.0, 11)}.webp",
    ):
        assert client.get(wrong).status_code == 404


def test_the_workers_count_what_changed_since_the_edition_before(two, queues, client, reviewer):
    before, after = two
    lines = comparison.compare(before, after)
    assert comparison.counted(before, after, lines).left == 1
    client.force_login(reviewer)
    page = client.get("/review/progress/alps/editions/?before=1&after=2").content.decode()
    assert "1 tile differs." in page and "1 tile that changed is not counted yet." in page
    comparison.run_count(f"{before.pk}:{after.pk}")
    found = comparison.counted(before, after, lines)
    pixels = 92 * 122
    assert found.left == 0 and found.tiles == 1
    assert found.km2[3, 1] == pytest.approx(pixels * 0.36)
    assert found.changed_km2 == pytest.approx(found.km2[3, 1])
    assert found.moved_km2 == pytest.approx(pixels * 0.36)
    page = client.get("/review/progress/alps/editions/?before=1&after=2").content.decode()
    assert "4,040.64" in page or "4040.64" in page
    assert "Count what changed" not in page


@pytest.mark.django_db(transaction=True)
def test_publishing_has_the_change_counted_and_a_reviewer_asks_for_other_pairs(two, queues, client, reviewer):
    assert [job.func_name.rpartition(".")[2] for job in queues["cpu"].jobs].count("run_count") == 1
    queues["cpu"].empty()
    client.force_login(reviewer)
    assert client.get("/review/progress/alps/editions/2-1/count/").status_code == 405
    answer = client.post("/review/progress/alps/editions/2-1/count/", follow=True)
    assert "The workers count what changed" in answer.content.decode()
    (job,) = queues["cpu"].jobs
    job.perform()
    first, second = two
    assert comparison.counted(second, first, comparison.compare(second, first)).km2[1, 3] > 0


def test_gained_and_lost_data_are_changes_of_their_own():
    def values(*flat_values):
        data = np.array(flat_values, np.uint8)[:, None, None] * np.ones((1, 256, 256), np.uint8)
        return np.ma.MaskedArray(data, mask=np.zeros(data.shape, bool))

    layer = CHANGES["mosaic-change"]
    four = values(10, 10, 10, 10)
    assert (codes_of(layer, None, four) == GAINED).all()
    assert (codes_of(layer, four, None) == MOSAIC_LOST).all()
    assert not codes_of(layer, four, values(12, 8, 10, 10)).any()
    assert (codes_of(layer, four, values(10, 10, 13, 10)) == 1).all()
    assert (codes_of(layer, four, values(10, 10, 10, 200)) == 4).all()
    classes = CHANGES["classes-after"]
    assert (codes_of(classes, values(2), None) == LOST).all()
    assert (codes_of(classes, None, values(2)) == 2).all()
    assert not codes_of(CHANGES["classes-before"], None, values(2)).any()
