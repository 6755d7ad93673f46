"""Map tiles from web-map copies, kept pictures, and the door in front of Django."""

import io
import json
import shutil
import threading
import time

import numpy as np
import pytest
import rasterio
from django.utils import translation
from PIL import Image
from rasterio.transform import from_origin

from pipeline.grid import Tile
from tests.webapp import products
from tests.webapp.tileserver.test_views import EMPTY, INSIDE, OUTSIDE, place
from webapp.campaigns import web_copies
from webapp.campaigns.jobs import run_web_copies
from webapp.campaigns.models import Edition
from webapp.keys import admission
from webapp.keys.models import KeyUse, MapKey
from webapp.tileserver import maptiles
from webapp.tileserver.copies import copies
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.pictures import Folder, Memory
from webapp.tileserver.png import png
from webapp.tileserver.reader import MapTile, open_files, read_tile
from webapp.tileserver.wsgi import MapTiles

FINE = 60
SIDE = 600
IN_FINE = (15.2, 45.9)
SOON = "public, max-age=60, stale-while-revalidate=86400"


def write_fine(revision, seed=1):
    """A corner of the tile at 60 m in place of its products, with a hole in it."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:SIDE, :SIDE]
    hills = 110 + 60 * np.sin(rows / 17) * np.cos(cols / 29) + rng.integers(-2, 3, rows.shape)
    mosaic = np.stack([hills, hills + 9, hills - 9, hills + 40]).clip(1, 255).astype(np.uint8)
    landcover = (1 + (hills // 40).clip(0, 5)).astype(np.uint8)[None]
    confidence = (hills // 3).clip(0, 100).astype(np.uint8)[None]
    for bands, empty in ((mosaic, 0), (landcover, 0), (confidence, 255)):
        bands[:, 300:380, 200:330] = empty
    transform = Tile.parse(products.WEST).transform(FINE)
    for name, bands, nodata in (
        ("mosaic.tif", mosaic, 0),
        ("landcover.tif", landcover, 0),
        ("confidence.tif", confidence, 255),
    ):
        options = {"driver": "GTiff", "dtype": "uint8", "photometric": "MINISBLACK", "nodata": nodata}
        options |= {"count": len(bands), "height": SIDE, "width": SIDE, "transform": transform}
        with rasterio.open(revision.path / name, "w", crs="EPSG:32633", **options) as out:
            out.write(bands)


@pytest.fixture
def fine(db, storage):
    """Edition 1 of "alps", of a tile with products of 60 m, not yet laid out."""
    open_files.close()
    campaign = products.make_campaign()
    row = products.make_tile(campaign, products.WEST)
    row.refresh_from_db()
    write_fine(row.current_revision)
    return Edition.publish(campaign)


@pytest.fixture
def laid_out(fine):
    for revision in web_copies.due(fine):
        assert web_copies.make(revision)
    copies.forget()
    return fine


@pytest.fixture
def door():
    """Asks the door in front of Django: status, headers and body, or None where Django is to answer."""

    def ask(path, query="", method="GET", **headers):
        told = {}

        def behind(environ, start_response):
            told["behind"] = True
            return [b""]

        def start_response(status, fields):
            told["status"], told["headers"] = int(status.split()[0]), dict(fields)

        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method} | headers
        body = b"".join(MapTiles(behind)(environ, start_response))
        return None if "behind" in told else (told["status"], told["headers"], body)

    return ask


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)


@pytest.mark.parametrize("layer", ["rgb", "nir", "landcover", "confidence"])
@pytest.mark.parametrize("zoom", [9, 10, 11])
@pytest.mark.parametrize("scale", ["", "@2x"])
def test_copies_show_the_ground_that_the_products_show(client, fine, layer, zoom, scale):
    address = f"/tiles/alps/1/{layer}/{place(*IN_FINE, zoom)}{scale}.png"
    before = pixels(client.get(address).content)
    for revision in web_copies.due(fine):
        assert web_copies.make(revision)
    copies.forget()
    after = pixels(client.get(address).content)
    assert ((before[..., 3] > 0) == (after[..., 3] > 0)).mean() > 0.985
    both = (before[..., 3] > 0) & (after[..., 3] > 0)
    assert both.any() and not both.all()
    steps = np.abs(before - after)[both].max(axis=-1)
    if layer == "landcover":
        assert (steps == 0).mean() > 0.75
    else:
        assert np.median(steps) <= 4


def test_at_its_own_zoom_a_copy_is_what_the_warp_gives(fine):
    revision = fine.tiles.get().revision
    zoom, x, y = map(int, place(*IN_FINE, 11).split("/"))
    sources = read_tile([str(revision.path / "mosaic.tif")], LAYERS["rgb"], MapTile(zoom, x, y), 256)
    assert web_copies.make(revision)
    path = str(revision.path / "web" / "mosaic.tif")
    found = read_tile([path], LAYERS["rgb"], MapTile(zoom, x, y), 256)
    both = ~np.ma.getmaskarray(sources)[0] & ~np.ma.getmaskarray(found)[0]
    assert both.mean() > 0.5
    assert (np.abs(sources.data.astype(int) - found.data)[:, both] <= 1).mean() > 0.99


def test_zoom_8_and_zoom_9_of_copies_show_the_same_ground(client, laid_out):
    z, x, y = map(int, place(*IN_FINE, 9).split("/"))
    nine = pixels(client.get(f"/tiles/alps/1/rgb/{z}/{x}/{y}.png").content)
    eight = pixels(client.get(f"/tiles/alps/1/rgb/{z - 1}/{x // 2}/{y // 2}@2x.png").content)
    quarter = eight[(y % 2) * 256 :, (x % 2) * 256 :][:256, :256]
    both = (nine[..., 3] > 0) & (quarter[..., 3] > 0)
    steps = np.abs(nine - quarter)[both].max(axis=-1)
    assert both.sum() > 1000
    assert np.median(steps) <= 1 and np.percentile(steps, 99) <= 8


def test_beyond_its_own_zoom_a_copy_is_enlarged(client, laid_out):
    shown = pixels(client.get(f"/tiles/alps/1/rgb/{place(15.08, 45.99, 14)}@2x.png").content)
    assert shown.shape == (512, 512, 4) and (shown[..., 3] == 255).all() and shown[..., 0].std() > 0


def test_what_is_not_laid_out_yet_may_be_kept_for_a_while_only(client, fine):
    address = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp"
    first = client.get(address)
    assert first["Cache-Control"] == SOON
    run_web_copies(fine.tiles.get().revision_id)
    copies.forget()
    second = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert second.status_code == 200 and second["ETag"] != first["ETag"]
    assert second["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_published_edition_is_laid_out_by_the_workers(fine, queues):
    revision = fine.tiles.get().revision
    web_copies.hint_due(fine)
    assert not web_copies.due(fine).get().has_web_copies
    run_web_copies(revision.pk)
    assert not web_copies.due().exists()
    assert (revision.path / "web" / "mosaic.tif").exists()


def test_two_workers_do_not_lay_out_the_same(fine):
    revision = fine.tiles.get().revision
    with web_copies._alone(revision.path / "web") as first:
        assert first and not web_copies.make(revision)
    assert web_copies.make(revision)


def test_a_missing_product_is_tried_again_later(fine):
    revision = fine.tiles.get().revision
    (revision.path / "landcover.tif").rename(revision.path / "away.tif")
    run_web_copies(revision.pk)
    assert web_copies.due().exists()
    (revision.path / "away.tif").rename(revision.path / "landcover.tif")
    run_web_copies(revision.pk)
    assert not web_copies.due().exists()


def test_the_door_answers_what_django_answers(client, door, laid_out):
    for path in (place(*IN_FINE, 11), place(*IN_FINE, 7), EMPTY):
        for end in (".png", "@2x.webp", ".jpg"):
            address = f"/tiles/alps/1/rgb/{path}{end}"
            slow = client.get(address)
            status, headers, body = door(address)
            assert (status, body) == (slow.status_code, slow.content) == (200, slow.content)
            for name in ("ETag", "Cache-Control", "Content-Type", "Access-Control-Allow-Origin"):
                assert headers[name] == slow[name]
            known = door(address, HTTP_IF_NONE_MATCH=slow["ETag"])
            assert known[0] == 304 and not known[2]
            head = door(address, method="HEAD")
            assert head[0] == 200 and not head[2] and head[1]["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    ("path", "query", "method"),
    [
        (f"/tiles/alps/latest/rgb/{INSIDE}.png", "", "GET"),
        (f"/tiles/alps/newest/rgb/{INSIDE}.png", "", "GET"),
        (f"/tiles/alps/2/rgb/{INSIDE}.png", "", "GET"),
        (f"/tiles/alps/1/rgb/{OUTSIDE}.png", "", "GET"),
        (f"/tiles/alps/1/rgb/{INSIDE}.gif", "", "GET"),
        (f"/tiles/alps/1/rgb/{INSIDE}.png", "key=x", "GET"),
        (f"/tiles/alps/1/rgb/{INSIDE}.png", "other=x", "GET"),
        (f"/tiles/alps/1/rgb/{INSIDE}.png", "key", "GET"),
        (f"/tiles/alps/1/rgb/{INSIDE}.png", "", "POST"),
        ("/tiles/alps/1/rgb/tilejson.json", "", "GET"),
        ("/", "", "GET"),
    ],
)
def test_the_door_leaves_the_rest_to_django(door, edition, path, query, method):
    assert door(path, query, method) is None


@pytest.fixture
def key(laid_out, person, queues):
    """Makes a key of a customer's."""
    return lambda **scope: MapKey.make(person("carla", "customer"), name="Ours", **scope)[1]


@pytest.mark.parametrize("where", ["query", "X-API-Key", "Authorization"])
def test_the_door_answers_a_key_that_was_just_let_in(client, door, key, where, django_assert_num_queries):
    address, token = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp", key()
    query = f"key={token}" if where == "query" else ""
    value = f"Bearer {token}" if where == "Authorization" else token
    headers = {} if query else {f"HTTP_{where.upper().replace('-', '_')}": value}
    client.get(address)
    assert door(address, query, **headers) is None
    slow = client.get(f"{address}?{query}", **headers)
    with django_assert_num_queries(0):
        status, fields, body = door(address, query, **headers)
    assert (status, body) == (200, slow.content)
    assert fields["Cache-Control"] == slow["Cache-Control"]
    admission.tally.flush()
    assert KeyUse.objects.get().answered == 2


def test_the_door_refuses_what_a_key_is_not_for(client, door, key):
    address, token = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp", key(layers=["nir"])
    client.get(address)
    slow = client.get(f"{address}?key={token}")
    status, headers, body = door(address, f"key={token}")
    assert (status, json.loads(body)) == (slow.status_code, slow.json())
    assert status == 403 and headers["Access-Control-Allow-Origin"] == "*"


def test_the_door_speaks_english_whoever_was_answered_before(client, door, key):
    address, token = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp", key(layers=["nir"])
    client.get(f"{address}?key={token}")
    with translation.override("de"):
        door(address, f"key={token}")
        assert translation.get_language() == "en"


def test_the_door_refuses_a_flood_without_asking_anybody(
    client, door, key, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(admission.time, "time", lambda: 1_000_000_020.0)
    address, token = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp", key(per_minute=1)
    assert [client.get(f"{address}?key={token}").status_code for _ in range(2)] == [200, 429]

    def never(name):
        raise AssertionError("Redis is asked.")

    with monkeypatch.context() as patch, django_assert_num_queries(0):
        patch.setattr(admission.django_rq, "get_connection", never)
        status, headers, body = door(address, f"key={token}")
    assert status == 429 and headers["Retry-After"] == "60" and b"1 times a minute" in body
    admission.tally.flush()
    assert (KeyUse.objects.get().answered, KeyUse.objects.get().refused) == (1, 2)
    monkeypatch.setattr(admission.time, "time", lambda: 1_000_000_090.0)
    assert client.get(f"{address}?key={token}").status_code == 200


def test_the_door_stays_shut_where_a_campaign_is_private(client, door, laid_out, settings):
    settings.MAP_MEMORY_SECONDS = 0.05
    address = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp"
    assert door(address) is None
    client.get(address)
    assert door(address)[0] == 200
    time.sleep(0.1)
    assert door(address) is None
    laid_out.campaign.is_public = False
    laid_out.campaign.save()
    assert client.get(address).status_code == 404
    assert door(address) is None


def test_an_edition_once_found_costs_no_query(client, door, laid_out, django_assert_num_queries):
    address = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}"
    client.get(f"{address}.webp")
    with django_assert_num_queries(0):
        assert door(f"{address}.png")[0] == 200
        assert door(f"/tiles/alps/1/landcover/{place(*IN_FINE, 10)}.png")[0] == 200


def test_the_second_who_asks_gets_the_kept_picture(client, laid_out, settings, monkeypatch):
    address = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp"
    first = client.get(address).content
    monkeypatch.setattr(maptiles, "render_tile", lambda *_: pytest.fail("It was made again."))
    assert client.get(address).content == first
    maptiles.pictures().flush()
    maptiles._pictures.cache_clear()
    assert client.get(address).content == first
    shutil.rmtree(settings.MAP_TILE_CACHE)
    maptiles._pictures.cache_clear()
    with pytest.raises(pytest.fail.Exception):
        client.get(address)


def test_another_file_under_the_same_name_is_another_picture(client, laid_out):
    address = f"/tiles/alps/1/rgb/{place(*IN_FINE, 11)}.webp"
    first = client.get(address)
    revision = laid_out.tiles.get().revision
    write_fine(revision, seed=2)
    shutil.rmtree(revision.path / "web")
    type(revision).objects.update(has_web_copies=False)
    assert web_copies.make(revision)
    copies.forget()
    open_files.close()
    second = client.get(address)
    assert second["ETag"] != first["ETag"] and second.content != first.content


def test_the_memory_holds_no_more_than_its_limit():
    memory = Memory(limit=100)
    for number in range(20):
        memory.keep(str(number), bytes(30))
        memory.get("0" if number < 3 else "18")
    assert [memory.get(str(number)) is not None for number in (0, 16, 17, 18, 19)] == [
        False, False, True, True, True
    ]  # fmt: skip


def test_a_folder_drops_what_was_used_longest_ago(tmp_path):
    folder = Folder(tmp_path / "kept", limit=1000)
    for number in range(9):
        folder.keep(f"{number:02}", bytes(100))
    assert folder.get("00") == bytes(100)
    for number in range(9, 14):
        folder.keep(f"{number:02}", bytes(100))
    folder.make_room()
    held = [number for number in range(14) if folder.get(f"{number:02}") is not None]
    assert len(held) <= 10 and {0, 12, 13} <= set(held) and 1 not in held


def test_a_folder_that_cannot_be_written_is_told_once_and_not_used(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    folder = Folder(tmp_path / "file" / "kept", limit=1000)
    folder.keep("aa", b"picture")
    folder.keep("ab", b"picture")
    assert folder.get("aa") is None
    assert len([record for record in caplog.records if "not kept" in record.message]) == 1


def test_several_who_write_the_same_picture_leave_it_whole(tmp_path):
    folder, content = Folder(tmp_path, limit=10**7), bytes(range(256)) * 400
    threads = [threading.Thread(target=folder.keep, args=("aa11", content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.get("aa11") == content
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["aa11"]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("side", [1, 2, 255, 256])
def test_png_is_without_loss(channels, side):
    picture = np.random.default_rng(side).integers(0, 256, (side, side + 1, channels)).astype(np.uint8)
    shown = Image.open(io.BytesIO(png(picture)))
    shown.verify()
    assert (np.asarray(Image.open(io.BytesIO(png(picture)))) == picture).all()


def test_a_file_of_another_grid_is_not_taken_for_one_of_map_tiles(tmp_path):
    path = tmp_path / "odd.tif"
    options = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 300, "width": 300}
    transform = from_origin(1_700_000.5, 5_790_000.25, 38.218514142588134, 38.218514142588134)
    with rasterio.open(path, "w", crs="EPSG:3857", transform=transform, **options) as out:
        out.write(np.full((1, 300, 300), 7, np.uint8))
    assert open_files.get(str(path)).grid is None
