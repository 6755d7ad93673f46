"""A server reads scenes from the public internet and from folders that its operator lists, nowhere else."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.allowed import ANYTHING, Allowed, allowed, limit_to
from pipeline.catalog import bring, is_answered, open_catalog, read_preview
from pipeline.catalog.gdal import open_source, reading
from pipeline.catalog.http import Http
from pipeline.errors import SourceError, TransientSourceError, UsageError
from pipeline.public_address import Exceptions
from tests.file_server import file_server
from tests.pipeline.catalog.making import item, scene_of, surface, write_bands
from tests.receiver import receiver

ONE = Exceptions.of(["127.0.0.1"])
DAYS = (date(2023, 8, 1), date(2023, 8, 31))


@pytest.fixture
def limited():
    """Have the process read as a server of these settings does."""
    before = []

    def limit(**settings):
        before.append(limit_to(lambda: Allowed(**settings)))

    yield limit
    limit_to(before[0] if before else None)


def always(address):
    return lambda host, port: [address]


def search(catalog):
    return open_catalog(catalog).search("33TWL", *DAYS, 100)


def test_without_a_limit_loopback_and_all_folders_are_read(tmp_path):
    assert allowed() is ANYTHING
    with receiver() as server:
        assert Http(1).document(f"http://127.0.0.1:{server.port}/") == b"ok"
    assert open_catalog(tmp_path)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"]
)
def test_loopback_is_not_connected_to_however_it_is_spelled(limited, host):
    limited()
    with receiver() as server, pytest.raises(SourceError, match=r"public internet|number") as caught:
        Http(3, 0.001).document(f"http://{host}:{server.port}/")
    assert server.connections == 0 and not isinstance(caught.value, TransientSourceError)


def test_an_exception_of_the_operator_is_connected_to(limited):
    limited(exceptions=ONE)
    with receiver() as server:
        assert Http(1).document(f"http://127.0.0.1:{server.port}/") == b"ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_like_the_first_address(limited, status):
    limited(exceptions=ONE)
    with receiver("127.0.0.3") as inside, receiver() as server:
        server.answers = [(status, b"", {"Location": f"http://127.0.0.3:{inside.port}/"})]
        with pytest.raises(SourceError, match=r"127\.0\.0\.3 is not in the public internet"):
            Http(3, 0.001).document(f"http://127.0.0.1:{server.port}/")
    assert inside.connections == 0 and len(server.requests) == 1


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_a_redirect_to_another_scheme_is_refused_for_good(limited, place):
    limited(exceptions=ONE)
    with receiver() as server:
        server.answers = [(302, b"", {"Location": place})]
        with pytest.raises(SourceError) as caught:
            Http(3, 0.001).document(f"http://127.0.0.1:{server.port}/")
    assert not isinstance(caught.value, TransientSourceError) and len(server.requests) == 1


def test_a_redirect_to_an_allowed_address_is_followed(limited):
    limited(exceptions=Exceptions.of(["127.0.0.1", "127.0.0.3"]))
    with receiver("127.0.0.3") as other, receiver() as server:
        server.answers = [(302, b"", {"Location": f"http://127.0.0.3:{other.port}/"})]
        assert Http(1).document(f"http://127.0.0.1:{server.port}/") == b"ok"
    assert other.connections == 1


def test_the_address_that_was_checked_is_the_one_connected_to(limited):
    """DNS rebinding between check and connection: the name is asked once and answers otherwise later."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.3"]

    limited(exceptions=Exceptions.of(["127.0.0.1/32"]), resolve=resolve)
    with receiver("127.0.0.1") as right, receiver("127.0.0.3", right.port) as wrong:
        assert Http(1).document(f"http://rebind.test:{right.port}/") == b"ok"
        assert asked == ["rebind.test"] and (right.connections, wrong.connections) == (1, 0)
        # A further connection asks again, and what is inside by then is refused.
        with pytest.raises(SourceError, match="public internet"):
            Http(1).document(f"http://rebind.test:{right.port}/")
    assert len(asked) == 2 and wrong.connections == 0


def test_one_address_inside_among_several_refuses_the_name(limited):
    limited(resolve=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    with receiver() as server, pytest.raises(SourceError, match="public internet"):
        Http(1).document(f"http://mixed.test:{server.port}/")
    assert server.connections == 0


def test_no_proxy_and_no_password_of_the_machine_is_used(limited, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login operator password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    limited(exceptions=ONE)
    with receiver("127.0.0.3") as proxy, receiver() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.3:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.3:{proxy.port}")
        Http(1).document(f"http://127.0.0.1:{server.port}/")
    assert proxy.connections == 0 and "authorization" not in server.requests[0][1]


def test_assets_of_a_catalog_are_checked_when_they_are_fetched(limited, tmp_path):
    """A catalog that may be read lists a band inside the network: it is neither asked nor downloaded."""
    with file_server(tmp_path / "far") as files, receiver("127.0.0.3") as inside:
        paths = write_bands(files.folder, surface())
        hrefs = {band: files.at(path) for band, path in paths.items()}
        limited(exceptions=ONE)
        assert bring(scene_of(hrefs), tmp_path / "near").fetched > 0
        hrefs["red"] = f"http://127.0.0.3:{inside.port}/red.tif"
        scene = scene_of(hrefs)
        assert not is_answered(scene)
        for fetch in (lambda: bring(scene, tmp_path / "other"), lambda: read_preview(scene)):
            with pytest.raises(SourceError, match="public internet"):
                fetch()
    assert inside.connections == 0


def test_gdal_is_given_no_address(tmp_path):
    """It would follow names and redirects that nobody has checked."""
    with receiver() as server:
        hrefs = [
            f"http://127.0.0.1:{server.port}/red.tif",
            f"/vsicurl/http://127.0.0.1:{server.port}/red.tif",
        ]
        for href in hrefs:
            with pytest.raises(SourceError, match="brought"), reading(scene_of({}), "bands"):
                open_source(scene_of({}), "red band", href)
    assert server.connections == 0


def test_a_file_that_names_an_address_is_read_as_what_its_ending_says(tmp_path):
    """A description of rasters elsewhere (VRT) under the name of a picture opens no connection."""
    with receiver() as server:
        vrt = tmp_path / "red.tif"
        vrt.write_text(
            '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1">'
            f"<SimpleSource><SourceFilename>/vsicurl/http://127.0.0.1:{server.port}/a.tif</SourceFilename>"
            "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
        )
        with pytest.raises(SourceError), reading(scene_of({}), "bands"):
            open_source(scene_of({}), "red band", str(vrt)).read()
    assert server.connections == 0


@pytest.fixture
def listed(tmp_path):
    """A folder with a static catalog of one scene, its bands beside it."""
    folder = tmp_path / "listed"
    listed = item(write_bands(folder / "scene", surface()))
    for asset in listed["assets"].values():
        asset["href"] = os.path.relpath(asset["href"], folder)
    (folder / "item.json").write_text(json.dumps(listed))
    links = [{"rel": "item", "href": "item.json"}]
    (folder / "catalog.json").write_text(json.dumps({"type": "Catalog", "id": "all", "links": links}))
    return folder


def test_catalogs_below_a_listed_folder_are_read(limited, listed):
    limited(folders=(listed.parent,))
    (scene,) = search(listed / "catalog.json")
    assert np.isfinite(read_preview(scene)).any()


@pytest.mark.parametrize("way", ["catalog.json", "", "../listed/catalog.json", "../other/link/catalog.json"])
def test_catalogs_elsewhere_are_refused_whether_they_exist_or_not(limited, listed, way):
    other = listed.parent / "other"
    other.mkdir()
    (other / "link").symlink_to(listed)
    limited(folders=(other,))
    for place in (listed / way, f"{listed}/nowhere"):
        with pytest.raises(UsageError, match="CATALOG_FOLDERS") as caught:
            open_catalog(place)
        assert caught.value.field == "catalog"


@pytest.mark.parametrize(
    "place",
    ["/vsicurl/http://127.0.0.1/catalog.json", "/vsizip/a.zip/catalog.json", "file:///etc", "s3://b/c"],
)
def test_other_kinds_of_places_are_no_catalogs(limited, place):
    limited(folders=(Path("/srv"),))
    with pytest.raises(UsageError, match="CATALOG_FOLDERS"):
        open_catalog(place)


def test_a_band_that_is_a_link_out_of_the_folders_is_left_out(limited, listed):
    red = listed / "scene" / "B04.tif"
    red.rename(listed.parent / "B04.tif")
    red.symlink_to(listed.parent / "B04.tif")
    limited(folders=(listed,))
    catalog = open_catalog(listed / "catalog.json")
    assert catalog.search("33TWL", *DAYS, 100) == []
    assert "outside" in catalog.rejected[0][1]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:8000/", "public internet"),
        ("https://[::1]/", "public internet"),
        ("https://169.254.169.254/latest/meta-data", "public internet"),
        ("https://10.0.0.1/stac", "public internet"),
        ("https://0x7f000001/", "four decimal numbers"),
        ("https://user:word@example.org/stac", "password"),
        ("https://example.org/a b", "characters"),
    ],
)
def test_an_address_that_can_never_be_read_is_refused_before_it_is_used(limited, address, words):
    limited()
    with pytest.raises(UsageError, match=words) as caught:
        open_catalog(address)
    assert caught.value.field == "catalog"


def test_public_addresses_are_taken_by_http_too(limited):
    limited()
    for address in (
        "https://earth-search.example.org/v1",
        "http://example.org:8080/stac",
        "HTTPS://example.org/",
    ):
        assert open_catalog(address).address == address
