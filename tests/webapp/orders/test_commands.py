"""Orders from the command line, and their progress."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from shapely.geometry import box, mapping

from tests.webapp.products import EAST, WEST, make_composite, make_revision
from webapp.campaigns.advance import advance
from webapp.campaigns.models import Campaign
from webapp.orders.models import Order
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db


def run(name, *arguments):
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def refusal(name, *arguments):
    with pytest.raises(CommandError) as caught:
        run(name, *arguments)
    return caught.value.returncode, str(caught.value)


@pytest.fixture
def request_(customer, storage, queues, tmp_path):
    return [
        "--catalog", str(tmp_path), "--start", "2023-08-01", "--end", "2023-08-31",
        "--resolution", "60", "--customer", "customer",
    ]  # fmt: skip


def test_an_order_is_placed_and_told_line_by_line(request_):
    out = run("place_order", *request_, "--tile", EAST, WEST, "--campaign-name", "Late summer", "--public")
    told = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert told == {
        "order": str(Order.objects.get().pk),
        "campaign": "late-summer",
        "tiles": f"{WEST} {EAST}",
    }
    assert Campaign.objects.get().is_public


def test_the_same_settings_go_to_the_same_campaign(request_):
    run("place_order", *request_, "--tile", WEST)
    run("place_order", *request_, "--tile", EAST)
    run("place_order", *request_, "--tile", EAST, "--max-cloud", "20")
    assert Campaign.objects.count() == 2 and Order.objects.count() == 3


def test_an_area_from_a_file_is_ordered(request_, tmp_path):
    path = tmp_path / "a i.geojson"
    path.write_text(json.dumps(mapping(box(15.2, 45.3, 15.6, 45.6))))
    assert run("place_order", *request_, "--aoi", str(path)).splitlines()[2] == f"tiles {WEST}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--start", "2023-09-01"], "before the start date"),
        (["--end", "soon"], "'soon' is no date"),
        (["--resolution", "7"], "not 7"),
        (["--customer", "nobody"], "'nobody'"),
        (["--catalog", "/nowhere"], "/nowhere"),
        (["--level", "L3"], "L3"),
    ],
)
def test_wrong_use_ends_with_2_and_one_sentence(request_, change, words):
    status, sentence = refusal("place_order", *request_, "--tile", WEST, *change)
    assert status == 2 and words in sentence and "\n" not in sentence
    assert not Order.objects.exists()


@pytest.mark.parametrize("content", [None, "{", '{"type": "Point", "coordinates": [1, 2]}'])
def test_a_file_that_is_no_area_ends_with_2(request_, tmp_path, content):
    path = tmp_path / "aoi.geojson"
    if content is not None:
        path.write_text(content)
    assert refusal("place_order", *request_, "--aoi", str(path))[0] == 2


def test_an_unknown_tile_ends_with_2(request_):
    status, sentence = refusal("place_order", *request_, "--tile", "99XXX")
    assert status == 2 and "99XXX" in sentence


def test_progress_of_a_finished_order_ends_well(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST]))
    assert run("progress", "--order", str(order.pk), "--watch").splitlines() == [
        f"[1/1] {WEST}: mosaic and landcover done",
        f"order {order.pk} is ready",
    ]


def test_progress_of_an_order_under_way_says_what_is_done(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, EAST]))
    out = io.StringIO()
    with pytest.raises(CommandError, match="not finished"):
        call_command("progress", "--order", str(order.pk), stdout=out)
    assert f"[0/2] {EAST}: build 1, choosing scenes" in out.getvalue() or "[1/2]" in out.getvalue()


def test_progress_fails_with_the_sentences_of_tiles_without_a_mosaic(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, "31UDQ"]))
    tile = alps.tiles.get(tile_id="31UDQ")
    tile.builds.update(status="empty")
    tile.move("empty", status_text="No scene of 31UDQ was found.")
    advance(alps)
    status, sentence = refusal("progress", "--order", str(order.pk), "--watch")
    assert status == 1 and "No scene of 31UDQ was found." in sentence


def test_progress_of_no_order_ends_with_2(db):
    assert refusal("progress", "--order", "12345")[0] == 2


def test_publish(alps):
    assert run("publish", "--campaign", "alps") == "alps edition 1 is published with 1 tiles\n"
    assert refusal("publish", "--campaign", "alps")[0] == 1
    assert refusal("publish", "--campaign", "nothing")[0] == 2


def test_sweep_tells_how_many_campaigns_it_looked_at(alps):
    assert run("sweep") == "0 campaigns looked at\n"
    make_revision(make_composite(alps, EAST))
    alps.want(["33TXM"])
    assert run("sweep") == "1 campaigns looked at\n"
