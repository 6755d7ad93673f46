"""Blocks of a remote COG end as the server has them, whatever goes wrong on the way."""

import numpy as np
import pytest
import rasterio

from pipeline.catalog.blocks import BlockFile
from pipeline.catalog.http import Http
from pipeline.catalog.tiff import NotByBlocks
from pipeline.errors import SourceError, TransientSourceError
from tests.mishaps import FAULTS, garbled, refused, reset, truncated
from tests.pipeline.catalog.making import surface, write_band

WANTED = [0, 1, 7, 8, 20, 35]


@pytest.fixture
def http():
    return Http(tries=8, pause=0.002, patience=0.1)


@pytest.fixture
def served(files):
    path = files.folder / "far" / "B04.tif"
    write_band(path, surface(side=700)[:1], resolution=60, driver="COG", compress="deflate", blocksize=128)
    return files


def block_file(served, http, name="near"):
    return BlockFile(served.at("far/B04.tif"), served.folder / name / "red.tif", http)


def brought(served, http):
    file = block_file(served, http)
    file.open()
    file.bring(0, WANTED)
    return file


def assert_right(served, file):
    with rasterio.open(served.folder / "far" / "B04.tif") as whole, rasterio.open(file.target) as part:
        expected, found = whole.read(1), part.read(1)
    wanted = np.zeros(expected.shape, bool)
    for block in WANTED:
        (top, bottom), (left, right) = file.index.levels[0].pixels(block)
        wanted[top:bottom, left:right] = True
    np.testing.assert_array_equal(found, np.where(wanted, expected, 0))


def test_only_the_header_and_the_blocks_are_asked_for(served, http):
    file = block_file(served, http)
    file.open()
    fetched = file.bring(0, WANTED)
    assert_right(served, file)
    spans = [tuple(int(part) for part in span[6:].split("-")) for _, span in served.requests]
    assert fetched <= sum(last + 1 - first for first, last in spans) < file.length
    assert sum(last + 1 - first for first, last in spans[1:]) < 1.2 * fetched


@pytest.mark.parametrize("after", [0, 1], ids=["in the header", "in the blocks"])
@pytest.mark.parametrize("mishaps", FAULTS.values(), ids=FAULTS)
def test_a_misbehaving_server_still_gives_the_same_bytes(served, http, mishaps, after):
    file = block_file(served, http)
    if after:
        file.open()
    served.mishaps += mishaps
    file.open()
    file.bring(0, WANTED)
    assert not served.mishaps
    assert_right(served, file)
    again = brought_elsewhere(served, http)
    assert file.target.read_bytes() == again.target.read_bytes()


def brought_elsewhere(served, http):
    file = block_file(served, http, "elsewhere")
    file.open()
    file.bring(0, WANTED)
    return file


def test_blocks_that_cannot_be_decoded_are_fetched_again_and_the_others_are_not(served, http):
    file = block_file(served, http)
    file.open()
    served.requests.clear()
    served.mishaps += [garbled]
    file.bring(0, WANTED)
    assert_right(served, file)
    asked = [span for _, span in served.requests]
    assert asked.count(asked[0]) == 2 and len(set(asked)) == len(asked) - 1


def test_blocks_that_never_can_be_decoded_are_told(served, http):
    file = block_file(served, http)
    file.open()
    served.mishaps += [garbled] * 99
    with pytest.raises(SourceError, match="cannot be decoded") as caught:
        file.bring(0, WANTED)
    assert not isinstance(caught.value, TransientSourceError)
    assert not file.target.exists()


def test_what_has_come_is_not_asked_for_again_by_the_next_process(served, http):
    file = block_file(served, http)
    file.open()
    served.mishaps += [lambda handler, content: handler.serve(content), truncated(), *[reset] * 9]
    with pytest.raises(TransientSourceError, match="broke off"):
        file.bring(0, WANTED)
    had = set(file.came)
    served.mishaps.clear()
    served.requests.clear()
    following = brought(served, http)
    assert following.came >= had and had
    first = min(first for first, _, block in following.spans(0, WANTED) if (0, block) not in had)
    assert served.requests[0][1].startswith(f"bytes={first}-")
    assert_right(served, following)


def test_a_file_that_changed_meanwhile_is_fetched_anew(served, http):
    file = block_file(served, http)
    file.open()
    path = served.folder / "far" / "B04.tif"
    path.unlink()
    write_band(path, surface(3, 700)[:1], resolution=60, driver="COG", compress="deflate", blocksize=128)
    file.bring(0, WANTED)
    assert_right(served, file)


def test_a_server_that_never_recovers_is_told(served, http):
    served.mishaps += [refused(503)] * 8
    with pytest.raises(TransientSourceError, match=r"B04\.tif answered with status 503"):
        block_file(served, http).open()


def test_a_server_without_ranges_is_told(served, http):
    served.mishaps += [lambda handler, content: handler.head(200, len(content))]
    with pytest.raises(NotByBlocks, match="not served by ranges"):
        block_file(served, http).open()
