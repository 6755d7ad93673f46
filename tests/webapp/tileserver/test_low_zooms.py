"""Zooms 0 to 8: from the pyramid, in agreement with the zooms above, at a price that does not grow."""

import io
import itertools

import numpy as np
import pytest
import rasterio
from PIL import Image

from pipeline.grid import Tile
from pipeline.pyramid.parts import part_of
from tests.webapp import products
from tests.webapp.tileserver.test_views import LAYER_NAMES, place
from webapp.campaigns import pyramid
from webapp.campaigns.models import Edition
from webapp.tileserver import maptiles
from webapp.tileserver.layers import LAYERS

FINE = 120
SIDE = 915


def read(client, address, mode="RGBA"):
    response = client.get(f"/tiles/{address}")
    assert response.status_code == 200, response.content
    return np.asarray(Image.open(io.BytesIO(response.content)).convert(mode)).astype(int)


def write_fine(path, bands, nodata):
    """Write (bands, 915, 915) uint8 on the western tile at 120 m."""
    tile = Tile.parse(products.WEST)
    profile = {"driver": "GTiff", "dtype": "uint8", "photometric": "MINISBLACK", "nodata": nodata}
    profile |= {"count": len(bands), "height": SIDE, "width": SIDE, "transform": tile.transform(FINE)}
    with rasterio.open(path, "w", crs=f"EPSG:{tile.epsg}", **profile) as out:
        out.write(bands)


@pytest.fixture
def hills(db, storage):
    """Edition 1 of a campaign with one tile of rolling ground: waves of 4 km, patches of classes of 8 km."""
    campaign = products.make_campaign()
    row = products.make_composite(campaign, products.WEST)
    revision = products.make_revision(row)
    y, x = np.mgrid[:SIDE, :SIDE] * FINE
    waves = 120 + 60 * np.sin(x / 640) * np.cos(y / 640)
    write_fine(
        revision.path / "mosaic.tif", np.stack([waves + band for band in range(4)]).astype(np.uint8), 0
    )
    patches = 1 + (x // 8000 + y // 8000) % 6
    write_fine(revision.path / "landcover.tif", patches[None].astype(np.uint8), 0)
    write_fine(revision.path / "confidence.tif", (waves / 2)[None].astype(np.uint8), 255)
    write_fine(row.current_build.path / "provenance.tif", (1 + patches % 3)[None].astype(np.uint8), 0)
    return Edition.publish(campaign)


def both_zooms(client, layer):
    """The same ground as one picture of zoom 8, from the pyramid, and four of zoom 9, from the mosaic."""
    low = read(client, f"alps/1/{layer}/8/139/91@2x.png")
    quarters = [[f"alps/1/{layer}/9/{278 + col}/{182 + row}.png" for col in (0, 1)] for row in (0, 1)]
    rows = [np.concatenate([read(client, address) for address in line], axis=1) for line in quarters]
    return low, np.concatenate(rows)


def test_each_layer_is_there_at_low_zooms_in_each_format_and_size(client, edition):
    for layer, fmt, zoom in itertools.product(LAYER_NAMES, ("png", "webp", "jpg"), (0, 3, 8)):
        for scale, side in (("", 256), ("@2x", 512)):
            found = read(client, f"alps/1/{layer}/{place(*products.IN_WEST, zoom)}{scale}.{fmt}")
            assert found.shape == (side, side, 4)
            assert (found[..., :3] < 250).any() if fmt == "jpg" else found[..., 3].any()


def test_zoom_8_and_zoom_9_show_the_same_ground(client, hills):
    low, high = both_zooms(client, "rgb")
    both = (low[..., 3] == 255) & (high[..., 3] == 255)
    assert both.sum() > 20_000
    assert (low[..., 3] != high[..., 3]).mean() < 0.01
    step = np.abs(low - high)[both][:, :3]
    assert np.median(step) <= 1 and np.percentile(step, 99) <= 4
    assert np.abs((low - high)[both][:, :3].mean()) < 0.2


def test_classes_at_zoom_8_and_9_agree_away_from_borders(client, hills):
    for layer in ("landcover", "provenance"):
        low, high = both_zooms(client, layer)
        both = (low[..., 3] == 255) & (high[..., 3] == 255)
        assert (low == high).all(axis=-1)[both].mean() > 0.95


def test_a_map_tile_is_the_quarter_of_the_one_below_it(client, hills):
    """So nothing moves from zoom to zoom, and no map tile has an edge of its own."""
    for layer, zoom in itertools.product(LAYER_NAMES, range(8, 0, -1)):
        _, x, y = (int(word) for word in place(*products.IN_WEST, zoom).split("/"))
        small = read(client, f"alps/1/{layer}/{zoom}/{x}/{y}.png")
        double = read(client, f"alps/1/{layer}/{zoom - 1}/{x // 2}/{y // 2}@2x.png")
        top, left = y % 2 * 256, x % 2 * 256
        assert (small == double[top : top + 256, left : left + 256]).all()


def test_the_small_size_is_the_large_one_halved(client, hills):
    large = read(client, "alps/1/rgb/8/139/91@2x.png")
    small = read(client, "alps/1/rgb/8/139/91.png")
    halved = part_of("mosaic.tif").halve(np.moveaxis(large[..., :3], -1, 0).astype(np.uint8))
    assert (np.moveaxis(small[..., :3], -1, 0) == halved).all()


def test_an_edition_keeps_its_low_zooms(client, edition):
    address = "/tiles/alps/1/rgb/2/2/1.png"
    before = client.get(address)
    products.make_revision(edition.campaign.tiles.get(), values=(10, 10, 10, 10))
    pyramid.refresh(edition.campaign)
    after = client.get(address)
    assert (after.content, after["ETag"]) == (before.content, before["ETag"])
    assert client.get(address, headers={"If-None-Match": before["ETag"]}).status_code == 304


def test_the_desk_sees_a_revision_at_once_and_from_the_pyramid_when_it_is_made(client, alps, sign_in):
    sign_in("reviewer")
    address = f"/tiles/alps/newest/rgb/{place(*products.IN_WEST, 6)}.png"
    pyramid.refresh(alps)
    first = client.get(address)
    products.make_revision(alps.tiles.get(tile_id=products.WEST), values=(10, 10, 10, 10))
    second = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert second.status_code == 200
    pyramid.refresh(alps)
    third = client.get(address)
    for answer in (second, third):
        shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))
        assert (shown[shown[..., 3] == 255][:, :3] == 10).all()
    assert len({answer["ETag"] for answer in (first, second, third)}) == 3


def test_what_is_too_much_to_read_at_once_and_not_made_yet_is_told(client, alps, sign_in, monkeypatch):
    sign_in("reviewer")
    monkeypatch.setattr(maptiles, "MOST_SOURCES", 1)
    products.make_tile(alps, "33TWM")
    response = client.get("/tiles/alps/newest/rgb/0/0/0.png")
    assert response.status_code == 503 and response["Cache-Control"] == "no-cache"
    assert "being made" in response.json()["error"]["message"]
    pyramid.refresh(alps)
    assert client.get("/tiles/alps/newest/rgb/0/0/0.png").status_code == 200


def test_a_lost_chip_is_told_and_not_cached(client, edition):
    for path in (edition.campaign.path / "pyramid").rglob("*.tif"):
        path.unlink()
    response = client.get("/tiles/alps/1/rgb/0/0/0.png")
    assert response.status_code == 503 and response["Cache-Control"] == "no-cache"


def test_queries_and_files_do_not_grow_with_the_tiles(
    client, storage, django_assert_num_queries, monkeypatch
):
    campaign = products.make_campaign()
    products.make_tiles(campaign, products.WEST, products.EAST, "33TWM", "33TXM")
    Edition.publish(campaign)
    opened = []
    monkeypatch.setattr(
        "webapp.tileserver.pyramid.opened", lambda path: opened.append(path) or rasterio.open(path)
    )
    for zoom in (0, 4, 8):
        address = f"/tiles/alps/1/rgb/{place(*products.IN_WEST, zoom)}"
        client.get(f"{address}.png")
        with django_assert_num_queries(0):
            client.get(f"{address}@2x.png")
    assert len(opened) == 6
    with django_assert_num_queries(1):
        client.get(f"/tiles/alps/1/rgb/{place(*products.IN_WEST, 12)}.png")


def test_layers_and_chips_agree_on_no_data():
    assert {name: part_of(layer.product).empty for name, layer in LAYERS.items()} == {
        name: layer.nodata for name, layer in LAYERS.items()
    }
