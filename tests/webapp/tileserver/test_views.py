"""The addresses under /tiles/: pictures, headers, rights, odd input."""

import io
import json
import math
import shutil

import numpy as np
import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.webapp import products
from webapp.campaigns.models import Edition
from webapp.tileserver.layers import LAYERS, OLDER_COLOUR, RANK_COLOURS, rgb
from webapp.tileserver.reader import open_files

LAYER_NAMES = list(LAYERS)


def place(lon, lat, zoom):
    """Zoom, column and row of the map tile over a point."""
    side = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return f"{zoom}/{int((lon + 180) / 360 * side)}/{int(row)}"


INSIDE = place(*products.IN_WEST, 12)
EMPTY = place(16.25, 45.6, 12)
OUTSIDE = place(30, 45.6, 12)


def picture(response):
    return Image.open(io.BytesIO(response.content))


@pytest.mark.parametrize("layer", LAYER_NAMES)
@pytest.mark.parametrize("fmt", ["png", "webp", "jpg"])
@pytest.mark.parametrize(("scale", "side"), [("", 256), ("@2x", 512)])
def test_each_layer_answers_with_a_real_picture_in_each_format(client, edition, layer, fmt, scale, side):
    response = client.get(f"/tiles/alps/1/{layer}/{INSIDE}{scale}.{fmt}")
    assert response.status_code == 200
    assert response["Content-Type"] == {"jpg": "image/jpeg"}.get(fmt, f"image/{fmt}")
    assert picture(response).format == {"jpg": "JPEG"}.get(fmt, fmt.upper())
    assert picture(response).size == (side, side)


def test_landcover_is_shown_in_the_class_colours(client, edition):
    shown = np.asarray(picture(client.get(f"/tiles/alps/1/landcover/{INSIDE}.webp")).convert("RGBA"))
    assert (shown == (*rgb("#1b7837"), 255)).all()


def test_the_picture_is_transparent_where_the_tile_is_empty(client, edition):
    response = client.get(f"/tiles/alps/1/rgb/{EMPTY}.png")
    assert response.status_code == 200
    assert (np.asarray(picture(response).convert("RGBA"))[..., 3] == 0).all()


@pytest.mark.parametrize(
    "address",
    [
        f"alps/1/rgb/{OUTSIDE}.png",
        f"alps/1/ndvi/{INSIDE}.png",
        f"alps/1/rgb/{INSIDE}.gif",
        f"alps/1/rgb/{INSIDE}@3x.png",
        f"alps/2/rgb/{INSIDE}.png",
        f"alps/0/rgb/{INSIDE}.png",
        f"nowhere/1/rgb/{INSIDE}.png",
        f"nowhere/latest/rgb/{INSIDE}.png",
        "alps/1/rgb/21/0/0.png",
        "alps/1/rgb/3/8/0.png",
        "alps/1/rgb/3/0/8.png",
        "alps/1/rgb/-1/0/0.png",
        "alps/1/rgb/1.5/0/0.png",
        "alps/1/rgb/٣/0/0.png",
        "alps/1/rgb/99999999999/0/0.png",
        "alps/1/rgb/3/0/%00.png",
        "al%00ps/1/rgb/3/0/0.png",
        "alps/1/ndvi/tilejson.json",
    ],
)
def test_what_is_not_there_is_404(client, edition, address):
    assert client.get(f"/tiles/{address}").status_code == 404


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zoom=st.integers(-2, 40) | st.text(max_size=4),
    x=st.integers(-3, 2**24),
    y=st.integers(-3, 2**24),
    layer=st.sampled_from(LAYER_NAMES),
)
@example(zoom=0, x=0, y=0, layer="rgb")
@example(zoom=1, x=1, y=0, layer="landcover")
@example(zoom=20, x=569957, y=374000, layer="provenance")
def test_odd_numbers_never_break_it(client, edition, zoom, x, y, layer):
    from urllib.parse import quote

    response = client.get(f"/tiles/alps/1/{layer}/{quote(str(zoom))}/{x}/{y}.png")
    assert response.status_code in (200, 404)


def test_a_published_map_tile_may_be_kept_for_ever_by_anybody(client, edition):
    response = client.get(f"/tiles/alps/1/rgb/{INSIDE}.webp")
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Cookie" not in response.get("Vary", "")


def test_known_pictures_are_answered_with_304_and_without_reading(client, edition, storage):
    address = f"/tiles/alps/1/rgb/{INSIDE}.webp"
    etag = client.get(address)["ETag"]
    shutil.rmtree(storage)
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(address, headers={"If-None-Match": known})
        assert again.status_code == 304 and not again.content and again["ETag"] == etag
    other = client.get(f"/tiles/alps/1/nir/{INSIDE}.webp", headers={"If-None-Match": etag})
    assert other.status_code != 304


def test_a_lost_product_is_told_and_not_cached(client, edition, storage):
    shutil.rmtree(storage)
    response = client.get(f"/tiles/alps/1/rgb/{place(15.2, 45.4, 13)}.webp")
    assert response.status_code == 503
    assert response["Cache-Control"] == "no-cache"
    assert response.json()["error"]["message"].endswith(".")


def test_latest_leads_to_the_newest_editions_own_address(client, edition):
    response = client.get(f"/tiles/alps/latest/rgb/{INSIDE}@2x.webp")
    assert response.status_code == 302
    assert response["Location"] == f"/tiles/alps/1/rgb/{INSIDE}@2x.webp"
    assert response["Cache-Control"] == "public, max-age=60, stale-while-revalidate=86400"
    products.make_revision(edition.campaign.tiles.get(), values=(10, 10, 10, 10))
    Edition.publish(edition.campaign)
    assert client.get("/tiles/alps/latest/rgb/tilejson.json")["Location"] == "/tiles/alps/2/rgb/tilejson.json"


def test_an_edition_keeps_showing_its_own_revisions(client, edition, sign_in):
    before = client.get(f"/tiles/alps/1/rgb/{INSIDE}.png").content
    products.make_revision(edition.campaign.tiles.get(), values=(10, 10, 10, 10))
    assert client.get(f"/tiles/alps/1/rgb/{INSIDE}.png").content == before
    sign_in("reviewer")
    assert client.get(f"/tiles/alps/newest/rgb/{INSIDE}.png").content != before


def test_revisions_are_for_the_desk_until_one_is_published(client, alps, sign_in):
    addresses = [f"/tiles/alps/{word}/rgb/{INSIDE}.png" for word in ("latest", "newest", "desk")]
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    sign_in("customer")
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    for role in ("reviewer", "operator"):
        sign_in(role)
        assert [client.get(address).status_code for address in addresses] == [302, 200, 200]
        response = client.get(addresses[0], follow=True)
        assert picture(response).size == (256, 256)
        assert response["Cache-Control"] == "private, no-cache"
        assert "Access-Control-Allow-Origin" not in response


def test_the_desk_sees_a_new_revision_at_once(client, alps, sign_in):
    sign_in("reviewer")
    first = client.get(f"/tiles/alps/newest/rgb/{INSIDE}.png")
    products.make_revision(alps.tiles.get(tile_id=products.WEST), values=(10, 10, 10, 10))
    second = client.get(f"/tiles/alps/newest/rgb/{INSIDE}.png", headers={"If-None-Match": first["ETag"]})
    assert second.status_code == 200 and second.content != first.content


def test_tiles_that_have_no_mosaic_yet_are_transparent_inside_the_campaign(client, alps, sign_in):
    sign_in("reviewer")
    response = client.get(f"/tiles/alps/newest/rgb/{place(17.3, 45.55, 11)}.png")
    assert response.status_code == 200
    assert (np.asarray(picture(response).convert("RGBA"))[..., 3] == 0).all()


def test_a_private_campaign_is_404_for_strangers_and_never_shared(client, storage, sign_in):
    campaign = products.make_campaign("secret", public=False)
    products.make_tile(campaign, products.WEST)
    Edition.publish(campaign)
    for word in ("1", "latest", "newest"):
        hidden = client.get(f"/tiles/secret/{word}/rgb/{INSIDE}.png")
        absent = client.get(f"/tiles/absent/{word}/rgb/{INSIDE}.png")
        assert hidden.status_code == absent.status_code == 404
        assert hidden.content == absent.content.replace(b"absent", b"secret")
    campaign.owner = sign_in("customer")
    campaign.save()
    response = client.get(f"/tiles/secret/1/rgb/{INSIDE}.png")
    assert response.status_code == 200
    assert response["Cache-Control"].startswith("private")
    assert "Access-Control-Allow-Origin" not in response
    assert Client().get(f"/tiles/secret/1/rgb/{INSIDE}.png").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_tiles(client, storage, django_assert_num_queries):
    campaign = products.make_campaign()
    products.make_tiles(campaign, products.WEST, products.EAST, "33TWM")
    Edition.publish(campaign)
    wide = place(*products.IN_WEST, 6)
    with django_assert_num_queries(2):
        client.get(f"/tiles/alps/1/rgb/{wide}.png")
    with django_assert_num_queries(0):
        client.get(f"/tiles/alps/1/rgb/{wide}@2x.png")


def test_only_reading_is_allowed(client, edition):
    assert client.post(f"/tiles/alps/1/rgb/{INSIDE}.png").status_code == 405
    assert client.head(f"/tiles/alps/1/rgb/{INSIDE}.png").status_code == 200


def test_tilejson_says_what_a_map_needs(client, edition):
    response = client.get("/tiles/alps/1/landcover/tilejson.json")
    told = response.json()
    assert told["tilejson"] == "3.0.0"
    assert told["attribution"] == "Contains modified Copernicus Sentinel data 2023"
    assert told["tiles"] == ["http://testserver/tiles/alps/1/landcover/{z}/{x}/{y}.webp"]
    west, south, east, north = told["bounds"]
    assert west < products.IN_WEST[0] < east and south < products.IN_WEST[1] < north
    assert told["minzoom"] == 0 and told["maxzoom"] == 11
    assert response["Access-Control-Allow-Origin"] == "*"
    assert (
        client.get(response.wsgi_request.path, headers={"If-None-Match": response["ETag"]}).status_code == 304
    )


def test_tilejson_of_several_years_names_them(client, storage):
    campaign = products.make_campaign(start="2022-12-01", end="2023-02-28")
    products.make_tile(campaign, products.WEST)
    Edition.publish(campaign)
    assert client.get("/tiles/alps/1/rgb/tilejson.json").json()["attribution"].endswith("2022–2023")


def test_a_point_tells_values_class_confidence_and_scene(client, edition):
    lon, lat = products.IN_WEST
    told = client.get(f"/tiles/alps/1/point?lon={lon}&lat={lat}").json()
    assert told["tile"] == products.WEST
    assert told["values"] == {"red": 120, "green": 130, "blue": 90, "nir": 200}
    assert told["landcover"] == {"code": 3, "class": "tree"}
    assert told["confidence"] == 80
    assert told["scene"]["rank"] == 1 and told["scene"]["id"] == "S2A_33TWL_20230815"
    assert json.dumps(told)


def test_a_point_in_a_filled_hole_tells_the_older_date(client, edition):
    lon, lat = products.IN_WEST
    address = f"/tiles/alps/1/point?lon={lon}&lat={lat}"
    assert client.get(address).json()["filled_from"] is None
    products.fill_hole(edition.campaign.tiles.get())
    open_files.close()
    told = client.get(address).json()
    assert told["filled_from"] == "2022-07-11"
    assert told["scene"] == {
        "tile": products.WEST,
        "rank": products.OLDEST_RANK,
        "id": "S2A_33TWL_20220711",
        "datetime": "2022-07-11T10:00:00+00:00",
    }


def test_filled_holes_have_a_colour_of_their_own_which_the_legend_tells(client, edition):
    products.fill_hole(edition.campaign.tiles.get())
    shown = np.asarray(picture(client.get(f"/tiles/alps/1/provenance/{INSIDE}.png")).convert("RGBA"))
    assert rgb(OLDER_COLOUR) in {tuple(int(one) for one in pixel[:3]) for pixel in shown.reshape(-1, 4)}
    legend = {entry["colour"]: entry["label"] for entry in LAYERS["provenance"].legend}
    assert legend[OLDER_COLOUR] == "hole filled from an older date"
    assert OLDER_COLOUR not in RANK_COLOURS


def test_a_neighbours_own_ground_comes_before_a_fill(client, storage):
    campaign = products.make_campaign()
    first, second = products.make_tiles(campaign, products.WEST, "33TWM")
    Edition.publish(campaign)
    in_both = "/tiles/alps/1/point?lon=15.7&lat=46.0"
    products.fill_hole(first)
    told = client.get(in_both).json()
    assert told["scene"]["tile"] == "33TWM" and told["filled_from"] is None
    products.fill_hole(second, "2022-08-20")
    open_files.close()
    told = client.get(in_both).json()
    assert told["scene"]["tile"] == products.WEST and told["filled_from"] == "2022-07-11"


def test_the_attribution_names_the_years_of_the_older_range_too(client, storage):
    campaign = products.make_campaign(fill_start="2021-07-01", fill_end="2021-08-31")
    products.make_tile(campaign, products.WEST)
    Edition.publish(campaign)
    assert client.get("/tiles/alps/1/rgb/tilejson.json").json()["attribution"].endswith("2021–2023")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "lon"),
        ("lon=1", "lat"),
        ("lon=x&lat=1", "lon"),
        ("lon=1&lat=nan", "lat"),
        ("lon=181&lat=0", "lon"),
        ("lon=1&lat=-91", "lat"),
        ("lon=inf&lat=0", "lon"),
    ],
)
def test_a_point_that_is_none_is_refused_in_words(client, edition, query, field):
    response = client.get(f"/tiles/alps/1/point?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["field"] == field


def test_a_point_without_data_is_404(client, edition):
    assert client.get("/tiles/alps/1/point?lon=16.25&lat=45.6").status_code == 404
    assert client.get("/tiles/alps/1/point?lon=100&lat=10").status_code == 404
