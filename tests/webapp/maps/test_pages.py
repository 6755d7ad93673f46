"""The pages around the map: desks, sign-in, what each role is offered, errors."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.contrib.staticfiles import finders

from pipeline.catalog.scene import Scene
from pipeline.grid import Tile
from pipeline.scene_list import Look, choose_among
from pipeline.scene_list.masks import PREVIEW_SHAPE
from tests.webapp.products import make_picture, make_tile
from webapp.maps.views import base_map
from webapp.review.models import Reason


def page_data(response):
    found = re.search(
        r'<script id="page-data" type="application/json">(.*?)</script>', response.content.decode()
    )
    return json.loads(found[1])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "desk"), [("/", "map"), ("/orders/new/", "orders"), ("/review/", "review")]
)
def test_each_desk_has_an_address(client, address, desk):
    response = client.get(address)
    assert response.status_code == 200
    assert page_data(response)["desk"] == desk
    assert "csrftoken" in response.cookies


@pytest.mark.parametrize(
    ("role", "order", "review", "publish"),
    [
        ("customer", True, False, False),
        ("reviewer", False, True, False),
        ("operator", True, True, True),
    ],
)
def test_each_role_is_offered_what_it_may_do(client, person, role, order, review, publish):
    client.force_login(person(role, role))
    response = client.get("/review/")
    told = page_data(response)["user"]
    assert (told["may_order"], told["may_review"], told["may_publish"]) == (order, review, publish)
    assert (b'id="publish"' in response.content) == publish


def test_visitors_are_asked_to_sign_in_to_order(client, db):
    content = client.get("/orders/new/").content.decode()
    assert 'id="order"' not in content and "Sign in as a customer" in content


def test_all_reasons_and_layers_reach_the_page(client, db):
    told = page_data(client.get("/"))
    assert [item["value"] for item in told["reasons"]] == Reason.values
    assert [item["name"] for item in told["layers"]] == [
        "rgb",
        "nir",
        "landcover",
        "confidence",
        "provenance",
    ]


def test_no_base_map_is_used_unless_the_operator_sets_one(settings):
    assert base_map() is None
    settings.BASE_MAP_URL, settings.BASE_MAP_ATTRIBUTION = "https://tiles.example/{z}/{x}/{y}.png", "Example"
    assert base_map() == {"url": "https://tiles.example/{z}/{x}/{y}.png", "attribution": "Example"}


def test_every_static_file_of_the_page_exists(client, db):
    content = client.get("/").content.decode()
    files = re.findall(r'(?:href|src)="/static/([^"?]+)"', content)
    assert len(files) >= 8
    assert not [name for name in files if finders.find(name) is None]


def test_every_module_that_is_imported_exists():
    folder = finders.find("earthquilt/js")
    assert folder
    for module in Path(folder).glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', module.read_text()):
            assert (Path(folder) / name).is_file(), f"{module.name} imports {name}"


def test_an_address_that_is_none_gets_a_page_of_its_own(client, db):
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_page_only_answers_to_reading(client, db):
    assert client.post("/").status_code == 405


def test_the_history_of_a_tile_is_for_those_who_see_everything(client, alps, reviewer, customer):
    row = make_tile(alps, "33TWL")
    row.move("building", "build 1")
    address = f"/review/{alps.slug}/33TWL/history/"
    assert client.get(address).status_code == 404
    client.force_login(customer)
    assert client.get(address).status_code == 404
    client.force_login(reviewer)
    assert "tile building: build 1" in client.get(address).content.decode()
    assert client.get(f"/review/{alps.slug}/33UVR/history/").status_code == 404
    assert client.post(address).status_code == 405


def test_the_scene_list_tells_every_candidates_reason_and_which_were_read_in_part(
    client, alps, reviewer, customer
):
    build = alps.tiles.get().current_build
    address = f"/review/{alps.slug}/33TWL/scene-list/"
    for person in (None, customer):
        if person:
            client.force_login(person)
        assert client.get(address).status_code == 404
    client.force_login(reviewer)
    shown = client.get(address).content.decode()
    assert "used as number 1: covers 97.0 % alone" in shown and "not used: hazy (0.91)" in shown
    assert "<img" not in shown and "partial" not in shown
    make_picture(build)
    build.report |= {"partial_scenes": ["S2A_33TWL_20230815"]}
    build.save()
    shown = client.get(address).content.decode()
    assert 'src="/review/alps/33TWL/builds/1/scene_list.png"' in shown
    assert shown.count('class="partial"') == 1 and "never fetched" in shown
    assert client.get(f"/review/{alps.slug}/33UVR/scene-list/").status_code == 404
    assert client.post(address).status_code == 405


def test_the_scene_list_shows_its_proof_and_what_the_next_list_would_cost(client, alps, reviewer):
    build = alps.tiles.get().current_build
    client.force_login(reviewer)
    address = f"/review/{alps.slug}/33TWL/scene-list/"
    assert 'class="proof' not in client.get(address).content.decode()
    clear = np.ones(PREVIEW_SHAPE, bool)
    looks = [Look(scene_of(day), clear, 0.1) for day in (10, 28)]
    choose_among(looks, Tile.parse("33TWL"), alps.pipeline_settings, build.path)
    shown = client.get(address).content.decode()
    assert "Proven to be the best list on the previews: 1 scene, 3 days from 2023-08-31." in shown
    assert "The second-best list would cost 18 days more: S2A_33TWL_10." in shown
    (build.path / "scene_list.json").write_text('{"proof": {"levels": {}}}')
    assert client.get(address).status_code == 200


def scene_of(day):
    taken = datetime(2023, 8, day, 10, 5, tzinfo=UTC)
    return Scene(f"S2A_33TWL_{day}", "33TWL", taken, "L2A", "05.09", f"take-{day}", 10.0, {})


def test_a_tile_without_a_build_says_so(client, alps, reviewer):
    alps.want(["33TXL"])
    client.force_login(reviewer)
    assert "No scenes" in client.get(f"/review/{alps.slug}/33TXL/scene-list/").content.decode()


def test_the_picture_of_a_scene_list_is_for_the_desk_and_known_by_its_etag(client, alps, reviewer, customer):
    address = f"/review/{alps.slug}/33TWL/builds/1/scene_list.png"
    picture = make_picture(alps.tiles.get().current_build)
    for person in (None, customer):
        if person:
            client.force_login(person)
        assert client.get(address).status_code == 404
    client.force_login(reviewer)
    first = client.get(address)
    assert first["Content-Type"] == "image/png" and first["Cache-Control"] == "private, no-cache"
    assert b"".join(first.streaming_content) == picture.read_bytes()
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and again["ETag"] == first["ETag"] and not again.content
    assert client.get(address.replace("builds/1", "builds/2")).status_code == 404
    picture.unlink()
    assert client.get(address).status_code == 404
