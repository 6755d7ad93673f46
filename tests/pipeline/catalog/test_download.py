"""Downloads end with the right bytes, or with a sentence, and never with half a file."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.catalog import Asset, download, read_preview, read_scene
from pipeline.catalog.download import fetch
from pipeline.catalog.http import Http
from pipeline.errors import SourceError, StorageError, TransientSourceError
from pipeline.grid import Tile
from tests.mishaps import (
    FAULTS,
    closed,
    crumbs,
    garbled,
    other_range,
    refused,
    truncated,
    without_ranges,
)
from tests.pipeline.catalog.making import scene_of, surface, write_bands

CONTENT = np.random.default_rng(5).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def http(pauses):
    return Http(tries=4, pause=0.5, sleep=pauses.append, patience=0.1)


@pytest.fixture
def served(files):
    (files.folder / "B02.tif").write_bytes(CONTENT)
    return files


WHOLE = {
    "truncated again and again": [truncated(), other_range, truncated(), truncated()],
    "truncated, then no ranges": [truncated(), without_ranges],
}
CHECKED = [(name, f"1220{SHA256}") for name in FAULTS]
# Nothing but a checksum tells one byte from another.
UNCHECKED = [(name, None) for name in {**FAULTS, **WHOLE} if name != "one byte wrong"]


@pytest.mark.parametrize(("name", "checksum"), CHECKED + UNCHECKED)
def test_a_misbehaving_server_still_gives_the_same_bytes(served, http, name, checksum):
    served.mishaps += {**FAULTS, **WHOLE}[name]
    target = served.folder / "got" / "blue.tif"
    fetch(served.at("B02.tif"), target, checksum, http)
    assert not served.mishaps
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["blue.tif"]


def test_what_has_come_is_not_asked_for_again(served, http):
    served.mishaps += [truncated()]
    fetch(served.at("B02.tif"), served.folder / "blue.tif", None, http)
    assert served.requests == [("/B02.tif", None), ("/B02.tif", "bytes=120000-")]


def test_a_download_is_continued_by_the_next_run(served, http):
    served.mishaps += [truncated()] + [closed] * 4
    target = served.folder / "blue.tif"
    with pytest.raises(TransientSourceError, match="broke off"):
        fetch(served.at("B02.tif"), target, None, http)
    assert not target.exists()
    served.requests.clear()
    served.mishaps.clear()
    fetch(served.at("B02.tif"), target, None, http)
    assert served.requests == [("/B02.tif", "bytes=120000-")]
    assert target.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_anew(served, http):
    served.mishaps += [truncated()] + [closed] * 4
    target = served.folder / "blue.tif"
    with pytest.raises(TransientSourceError):
        fetch(served.at("B02.tif"), target, None, http)
    served.mishaps.clear()
    (served.folder / "B02.tif").write_bytes(CONTENT[::-1])
    fetch(served.at("B02.tif"), target, None, http)
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("before", [0, 1])
def test_a_server_that_gives_crumbs_is_given_up(served, http, before):
    served.mishaps += [truncated(0.9)] * before + [crumbs] * 99
    with pytest.raises(TransientSourceError, match=r"B02\.tif"):
        fetch(served.at("B02.tif"), served.folder / "blue.tif", None, http)
    assert len(served.requests) == 4


def test_the_server_says_how_long_to_wait(served, http, pauses):
    served.mishaps += [refused(429, **{"Retry-After": "7"}), refused(503), refused(503)]
    fetch(served.at("B02.tif"), served.folder / "blue.tif", None, http)
    assert pauses == [7, 1, 2]


def test_a_server_that_never_recovers_is_told_with_the_address(served, http, pauses):
    served.mishaps += [refused(503)] * 9
    with pytest.raises(TransientSourceError, match=r"B02\.tif answered with status 503"):
        fetch(served.at("B02.tif"), served.folder / "blue.tif", None, http)
    assert pauses == [0.5, 1, 2]


def test_a_file_that_is_not_there_is_not_tried_again(served, http, pauses):
    with pytest.raises(SourceError, match="status 404"):
        fetch(served.at("B99.tif"), served.folder / "got.tif", None, http)
    assert pauses == []


CHECKSUMS = [f"1220{SHA256}", f"sha256:{SHA256}", "d50110" + hashlib.md5(CONTENT).hexdigest()]


@pytest.mark.parametrize("checksum", CHECKSUMS)
def test_bytes_that_differ_from_the_checksum_are_thrown_away(served, http, checksum):
    served.mishaps += [garbled]
    fetch(served.at("B02.tif"), served.folder / "blue.tif", checksum, http)
    assert (served.folder / "blue.tif").read_bytes() == CONTENT


def test_a_checksum_that_never_fits_is_told(served, http):
    with pytest.raises(SourceError, match="not the checksum"):
        fetch(served.at("B02.tif"), served.folder / "blue.tif", f"1220{'0' * 64}", http)
    assert not list(served.folder.glob("*blue*"))


def test_a_folder_that_cannot_be_made_is_told(served, http):
    with pytest.raises(StorageError, match="could not be written"):
        fetch(served.at("B02.tif"), served.folder / "B02.tif" / "blue.tif", None, http)


def test_a_scene_is_brought_whole_and_local_bands_stay(files, http):
    counts = surface()
    paths = write_bands(files.folder / "far", counts)
    remote = scene_of({band: files.at(path) for band, path in paths.items()})
    mixed = replace(remote, assets={**remote.assets, "nir": Asset(str(paths["nir"]))})
    local = download(mixed, files.folder / "near", http)
    assert local.assets["nir"].href == str(paths["nir"])
    assert local.assets["red"].href == str(files.folder / "near" / mixed.id / "red.tif")
    np.testing.assert_array_equal(read_scene(local, Tile.parse("33TWL").geobox(600)), counts + 1)
    asked = len(files.requests)
    assert download(mixed, files.folder / "near", http) == local
    assert len(files.requests) == asked


def test_parts_are_brought_each_to_a_folder_of_its_own(files, http):
    parts = tuple(
        scene_of(
            {band: files.at(path) for band, path in write_bands(files.folder / name, surface()).items()},
            id=name,
        )
        for name in ("a", "b")
    )
    local = download(replace(parts[0], parts=parts), files.folder / "near", http)
    assert [part.assets["red"].href for part in local.parts] == [
        str(files.folder / "near" / name / "red.tif") for name in ("a", "b")
    ]


def test_a_preview_over_http_reads_less_than_the_file(files):
    paths = write_bands(files.folder, surface(side=1830), resolution=60, driver="COG", blocksize=256)
    http = Http()
    preview = read_preview(scene_of({band: files.at(path) for band, path in paths.items()}), http)
    assert not np.isnan(preview).any()
    sizes = sum(path.stat().st_size for path in paths.values())
    read = sum(
        int(span.partition("-")[2]) - int(span[6:].partition("-")[0]) + 1
        for _, span in files.requests
        if span
    )
    assert all(span for _, span in files.requests)
    assert http.received == read < sizes / 4


def test_an_unsteady_server_is_told_from_a_broken_file(files):
    http = Http(1)
    paths = write_bands(files.folder, surface())
    scene = scene_of({band: files.at(path) for band, path in paths.items()})
    files.mishaps += [refused(503)] * 3
    with pytest.raises(TransientSourceError, match=r"B04\.tif"):
        read_scene(scene, Tile.parse("33TWL").geobox(600), http=http)
    files.mishaps.clear()
    assert read_scene(scene, Tile.parse("33TWL").geobox(600), http=http).all()
    paths["red"].unlink()
    with pytest.raises(SourceError) as caught:
        read_scene(scene, Tile.parse("33TWL").geobox(600), http=http)
    assert not isinstance(caught.value, TransientSourceError)


def test_blobs_that_want_it_are_signed(files, http):
    (files.folder / "sign").write_text(json.dumps({"href": f"{files.at('B02.tif')}?sig=abc"}))
    (files.folder / "B02.tif").write_bytes(CONTENT)
    http.signer = files.at("sign")
    http.needs_signature = lambda address: address.endswith("B02.tif")
    files.mishaps += [refused(503)]
    fetch(files.at("B02.tif"), files.folder / "blue.tif", None, http)
    asked = [path for path, _ in files.requests]
    assert asked[1].startswith("/sign?href=http%3A%2F%2F127.0.0.1")
    assert asked[2] == "/B02.tif?sig=abc"


def test_only_unsigned_blobs_of_the_cloud_are_signed():
    signs = Http().needs_signature
    assert signs("https://sentinel2l2a01.blob.core.windows.net/a/B02.tif")
    assert not signs("https://sentinel2l2a01.blob.core.windows.net/a/B02.tif?st=1&sig=x")
    assert not signs("https://host/blob.core.windows.net/B02.tif")
    assert not signs("https://blob.core.windows.net.host/B02.tif")
