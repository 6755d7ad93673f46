"""An edition as one file, read back by the formats' own readers: pmtiles and GDAL's MBTiles driver."""

import sqlite3

import numpy as np
import pytest
import rasterio
from django.core.management import CommandError, call_command
from pmtiles.reader import MmapSource, Reader, all_tiles

from pipeline.errors import UsageError
from tests.webapp import products
from tests.webapp.tileserver.test_fast_path import IN_FINE, fine, laid_out  # noqa: F401
from tests.webapp.tileserver.test_views import INSIDE, place
from webapp.campaigns.models import Edition
from webapp.tileserver.addresses import View
from webapp.tileserver.export import export
from webapp.tileserver.jobs import packed_path, run_export
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.render import empty_tile


def test_pmtiles_hold_what_the_server_shows(client, laid_out, tmp_path):  # noqa: F811
    path = tmp_path / "alps.pmtiles"
    view = View(laid_out.campaign, laid_out)
    count = export(view, LAYERS["rgb"], "webp", path)
    with path.open("rb") as file:
        source = MmapSource(file)
        reader = Reader(source)
        header, words = reader.header(), reader.metadata()
        found = dict(all_tiles(source))
        for zoom in (0, 5, 8, 9, 11):
            z, x, y = map(int, place(*IN_FINE, zoom).split("/"))
            assert reader.get(z, x, y) == client.get(f"/tiles/alps/1/rgb/{z}/{x}/{y}.webp").content
        assert reader.get(11, 0, 0) is None
    assert len(found) == count and empty_tile("webp") not in found.values()
    assert header["clustered"] and (header["min_zoom"], header["max_zoom"]) == (0, 11)
    west, _, _, north = laid_out.bounds
    assert header["min_lon_e7"] == pytest.approx(west * 1e7, abs=20)
    assert header["max_lat_e7"] == pytest.approx(north * 1e7, abs=20)
    assert words["attribution"] == "Contains modified Copernicus Sentinel data 2023"


def test_every_map_tile_with_data_is_there(client, laid_out, tmp_path):  # noqa: F811
    path = tmp_path / "alps.pmtiles"
    export(View(laid_out.campaign, laid_out), LAYERS["landcover"], "png", path)
    z, x, y = map(int, place(*IN_FINE, 10).split("/"))
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        for col in range(x - 3, x + 4):
            for row in range(y - 3, y + 4):
                shown = client.get(f"/tiles/alps/1/landcover/{z}/{col}/{row}.png")
                wanted = shown.content if shown.status_code == 200 else None
                if wanted == empty_tile("png"):
                    wanted = None
                assert reader.get(z, col, row) == wanted


def test_mbtiles_are_read_by_gdal(edition, tmp_path):
    path = tmp_path / "alps.mbtiles"
    count = export(View(edition.campaign, edition), LAYERS["rgb"], "png", path)
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 3857 and dataset.driver == "MBTiles"
        (x,), (y,) = rasterio.warp.transform(
            "EPSG:4326", dataset.crs, [products.IN_WEST[0]], [products.IN_WEST[1]]
        )
        shown = next(dataset.sample([(x, y)]))
    assert np.abs(shown[:3].astype(int) - (120, 130, 90)).max() <= 2
    with sqlite3.connect(path) as base:
        assert base.execute("SELECT count(*) FROM tiles").fetchone() == (count,)
        words = dict(base.execute("SELECT name, value FROM metadata"))
        z, x, y = map(int, INSIDE.split("/"))
        assert words["format"] == "png" and words["minzoom"] == "0" and int(words["maxzoom"]) < z + 1
        zoom = int(words["maxzoom"])
        query = "SELECT count(*) FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        col, row = x >> (z - zoom), y >> (z - zoom)
        assert base.execute(query, (zoom, col, 2**zoom - 1 - row)).fetchone() == (1,)


def test_a_file_of_another_kind_is_refused(edition, tmp_path):
    with pytest.raises(UsageError, match="pmtiles or"):
        export(View(edition.campaign, edition), LAYERS["rgb"], "png", tmp_path / "alps.zip")
    assert not list(tmp_path.glob("*.zip"))


def test_the_command_writes_the_newest_edition(edition, tmp_path, capsys):
    path = tmp_path / "alps.pmtiles"
    call_command("export_edition", campaign="alps", out=path)
    assert path.exists() and "map tiles in" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no such edition"):
        call_command("export_edition", campaign="alps", edition=7, out=path)


def test_a_layer_is_packed_by_the_api_and_fetched_by_range(client, as_, edition, queues, customer):
    address = "/api/campaigns/alps/editions/1/packed/"
    assert as_().post(address).status_code in (401, 403)
    assert client.get("/tiles/alps/1/rgb.pmtiles").status_code == 404
    asked = as_(customer).post(address, {"layer": "rgb"}, format="json")
    assert asked.status_code == 202 and asked.json()["size"] is None
    run_export(f"{edition.pk}:rgb:pmtiles")
    told = as_().get(address).json()
    assert [(one["layer"], one["kind"]) for one in told] == [("rgb", "pmtiles")]
    part = client.get(told[0]["url"], headers={"Range": "bytes=0-6"})
    assert part.status_code == 206 and part.getvalue() == b"PMTiles"
    assert part["Access-Control-Allow-Origin"] == "*"
    assert client.get("/tiles/alps/latest/rgb.pmtiles")["Location"] == told[0]["url"]
    before = packed_path(edition, "rgb", "pmtiles").stat().st_mtime_ns
    run_export(f"{edition.pk}:rgb:pmtiles")
    assert packed_path(edition, "rgb", "pmtiles").stat().st_mtime_ns == before


def test_private_editions_are_packed_for_those_who_may_see_them(as_, storage, queues, customer, colleague):
    campaign = products.make_campaign("secret", public=False)
    campaign.owner = customer
    campaign.save()
    products.make_tile(campaign, products.WEST)
    Edition.publish(campaign)
    address = "/api/campaigns/secret/editions/1/packed/"
    assert as_(colleague).post(address).status_code == 404
    assert as_(colleague).get(address).status_code == 404
    assert as_(customer).post(address).status_code == 202
