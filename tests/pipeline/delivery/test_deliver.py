import base64
import json
import re
import subprocess
import zlib
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from pipeline.delivery.deliver import Request, deliver
from pipeline.delivery.options import DeliveryOptions
from pipeline.errors import UsageError
from pipeline.landcover.classes import CLASSES
from tests.pipeline.delivery.conftest import EAST, WEST

ALL = ("mosaic", "landcover", "provenance", "confidence", "vectors")


def request(sources, area, before=None, left_out=None, **options):
    return Request("order-7-1", area, sources, DeliveryOptions(**options), left_out or {}, before)


def test_a_delivery_has_all_it_promises(tmp_path, sources, area):
    folder = tmp_path / "delivery"
    manifest = deliver(request(sources, area, layers=ALL), folder)
    names = {path.name for path in folder.iterdir()}
    rasters = {f"area.{name}.tif" for name in ALL[:4]}
    papers = {"LICENCE.txt", "delivery.pdf", "scenes.csv", "collection.json", "area.item.json"}
    legends = {"landcover.qml", "landcover.sld", "landcover.clr"}
    wanted = rasters | papers | legends | {"area.landcover.gpkg", "SHA256SUMS", "delivery.json"}
    assert names == wanted
    assert all(cog_validate(folder / name, strict=True, quiet=True)[0] for name in rasters)
    assert {one["name"] for one in manifest["files"]} == names - {"delivery.json"}
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )
    assert "contains modified Copernicus Sentinel data 2022-2023" in (folder / "LICENCE.txt").read_text()
    assert (folder / "delivery.pdf").read_bytes().startswith(b"%PDF-")
    assert manifest["first_day"] == "2022-07-01" and manifest["last_day"] == "2023-08-20"
    shown = manifest["figures"]["shown_km2"]
    assert sum(manifest["figures"]["classes"].values()) == pytest.approx(shown, rel=1e-6)
    assert pyogrio.read_info(folder / "area.landcover.gpkg")["features"] > 10


def test_the_collection_is_read_by_pystac_and_its_assets_are_there(tmp_path, sources, area):
    deliver(request(sources, area, layers=("mosaic", "landcover"), per_tile=True), tmp_path / "out")
    collection = pystac.Collection.from_file(str(tmp_path / "out" / "collection.json"))
    items = list(collection.get_items())
    assert {item.id for item in items} == {f"order-7-1-{name}" for name in (WEST, EAST)}
    for item in items:
        for asset in item.get_assets().values():
            with rasterio.open(asset.get_absolute_href()) as dataset:
                assert list(dataset.shape) == item.properties["proj:shape"]


def test_legends_name_every_class_and_colour(tmp_path, sources, area):
    deliver(request(sources, area), tmp_path / "out")
    palette = ET.parse(tmp_path / "out" / "landcover.qml").iter("paletteEntry")
    assert [(one.get("label"), one.get("color")) for one in palette] == [(c.name, c.colour) for c in CLASSES]
    sld = ET.parse(tmp_path / "out" / "landcover.sld")
    entries = sld.iter("{http://www.opengis.net/sld}ColorMapEntry")
    assert [int(one.get("quantity")) for one in entries] == [c.code for c in CLASSES]


def test_pictures_lie_where_the_raster_lay(tmp_path, sources, area):
    cog, png = tmp_path / "cog", tmp_path / "png"
    deliver(request(sources, area), cog)
    deliver(request(sources, area, format="png", layers=("mosaic", "landcover")), png)
    assert not list(png.glob("*.tif"))
    with rasterio.open(cog / "area.mosaic.tif") as one, rasterio.open(png / "area.mosaic.png") as other:
        assert np.allclose(one.transform, other.transform)
        bands = one.read()
        assert (other.read([1, 2, 3]) == bands[:3]).all()
        assert ((other.read(4) == 255) == (bands != 0).all(axis=0)).all()
    assert "33N" in (png / "area.mosaic.prj").read_text()
    assert Image.open(png / "area.landcover.png").mode == "P"


def test_a_further_delivery_says_what_changed(tmp_path, make_source, area):
    first = [make_source(WEST), make_source(EAST)]
    deliver(request(first, area), tmp_path / "one")
    again = [make_source(WEST, revision=2, seed=40), first[1]]
    before = (tmp_path / "one", {one.name: one.folder for one in first})
    manifest = deliver(request(again, area, before=before), tmp_path / "two")
    changes = json.loads((tmp_path / "two" / "changes.json").read_text())
    assert changes == manifest["changes"]
    assert changes["unchanged"] == [EAST] and changes["tiles"][WEST]["moved"] > 0.9
    assert changes["told"][0].startswith("33TWL is revision 2 in place of 1:")


def test_nothing_to_deliver_is_told_with_the_reasons(tmp_path, area):
    with pytest.raises(UsageError, match="33TWL: waits for review"):
        deliver(request([], area, left_out={WEST: "waits for review."}), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"layers": ["sea"]}, "layers"),
        ({"layers": []}, "layers"),
        ({"format": "jpg"}, "format"),
        ({"projection": "EPSG:999999"}, "projection"),
        ({"projection": "/etc/passwd"}, "projection"),
        ({"projection": "EPSG:5773"}, "projection"),
        ({"mapping_unit": -1}, "mapping_unit"),
        ({"size": 3}, "size"),
    ],
)
def test_impossible_options_are_refused_by_name(options, field):
    with pytest.raises(UsageError) as caught:
        DeliveryOptions.from_json(options)
    assert caught.value.field == field


def test_options_survive_json():
    options = DeliveryOptions.from_json({"layers": ["vectors", "mosaic"], "mapping_unit": 0.5})
    assert options.layers == ("mosaic", "vectors")
    assert DeliveryOptions.from_json(json.loads(json.dumps(options.to_json()))) == options


@pytest.mark.parametrize("layer", ALL)
@pytest.mark.parametrize("format_", ["cog", "png"])
def test_any_layer_can_be_asked_for_alone(tmp_path, sources, area, layer, format_):
    folder = tmp_path / "out"
    manifest = deliver(request(sources, area, layers=(layer,), format=format_, mapping_unit=100.0), folder)
    names = {path.name for path in folder.iterdir()}
    suffix = {"cog": "tif", "png": "png"}[format_]
    wanted = "area.landcover.gpkg" if layer == "vectors" else f"area.{layer}.{suffix}"
    assert {name for name in names if name.endswith((".tif", ".png", ".gpkg"))} == {wanted}
    assert (folder / "delivery.pdf").read_bytes().startswith(b"%PDF-")
    assert {one["name"] for one in manifest["files"]} == names - {"delivery.json"}


@pytest.mark.parametrize("projection", ["utm", "web-mercator"])
def test_ground_that_two_tiles_show_counts_once(tmp_path, make_source, area, projection):
    sources = [make_source(WEST, resolution=60, hole=True), make_source(EAST, resolution=60)]
    one = deliver(request(sources, area), tmp_path / "one")["figures"]
    per_tile = deliver(request(sources, area, per_tile=True, projection=projection), tmp_path / "two")
    each = [
        deliver(request([source], area, projection=projection), tmp_path / source.name)["figures"]
        for source in sources
    ]
    near = {"utm": 1e-4, "web-mercator": 0.01}[projection]
    assert per_tile["figures"]["shown_km2"] == pytest.approx(one["shown_km2"], rel=near)
    assert per_tile["figures"]["classes"] == pytest.approx(one["classes"], rel=5 * near)
    # The tiles share a strip of some 10 km, so that counting it twice would show.
    assert sum(figures["shown_km2"] for figures in each) > 1.05 * one["shown_km2"]


def test_ground_is_measured_where_it_lies(tmp_path, sources):
    """Pixels of Web Mercator shrink to the north: a tall area is not its pixels times the middle one's."""
    whole = sources[0].tile.footprint
    utm = deliver(request(sources[:1], whole), tmp_path / "utm")["figures"]["shown_km2"]
    mercator = deliver(request(sources[:1], whole, projection="web-mercator"), tmp_path / "mercator")
    assert mercator["figures"]["shown_km2"] == pytest.approx(utm, rel=2e-3)


def test_what_is_left_out_is_named_in_the_papers(tmp_path, sources, area):
    left_out = {"33TVL": "failed, for no scene serves", "33TUL": "waits for review"}
    manifest = deliver(request(sources, area, left_out=left_out), tmp_path / "out")
    lines = (tmp_path / "out" / "left_out.csv").read_text().splitlines()
    assert lines == ["tile,why", "33TUL,waits for review", '33TVL,"failed, for no scene serves"']
    assert "left_out.csv" in {one["name"] for one in manifest["files"]}
    text = words_of(tmp_path / "out" / "delivery.pdf")
    assert "Incomplete: 2 of the 4 tiles of the order" in text and "33TUL: waits for review" in text


def words_of(path):
    """What stands in a PDF of ours: strings in parentheses inside ASCII85 and Flate streams."""
    content = path.read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL)
    told = []
    for stream in streams:
        try:
            plain = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>"), adobe=False))
        except (ValueError, zlib.error):
            continue
        told += re.findall(rb"\(((?:\\.|[^()\\])*)\)", plain)
    return b" ".join(told).decode("latin-1")
