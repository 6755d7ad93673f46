"""Blocks of a remote COG end as the server has them, whatever goes wrong on the way."""

import zlib

import numpy as np
import pytest
import rasterio

from pipeline.catalog.blocks import BlockFile
from pipeline.catalog.http import Http
from pipeline.catalog.soundness import unsound
from pipeline.catalog.tiff import NotByBlocks, read_index
from pipeline.errors import SourceError, TransientSourceError
from tests.mishaps import FAULTS, closed, crumbs, garbled, one_byte_wrong, refused, truncated
from tests.pipeline.catalog.making import surface, write_band

WANTED = [0, 1, 7, 8, 20, 35]


@pytest.fixture
def http():
    return Http(tries=8, pause=0.002, patience=0.1)


@pytest.fixture
def compress():
    return "deflate"


@pytest.fixture
def served(files, compress):
    path = files.folder / "far" / "B04.tif"
    write_band(path, surface(side=700)[:1], resolution=60, driver="COG", compress=compress, blocksize=128)
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


COMPRESSIONS = pytest.mark.parametrize("compress", ["deflate", "zstd", "lzw", "none"])


def assert_the_same_after(served, http, mishap):
    file = block_file(served, http)
    file.open()
    served.mishaps += [mishap]
    file.bring(0, WANTED)
    assert not served.mishaps
    assert_right(served, file)
    assert file.target.read_bytes() == brought_elsewhere(served, http).target.read_bytes()


@COMPRESSIONS
@pytest.mark.parametrize("place", np.linspace(0, 0.99, 12))
def test_one_wrong_byte_in_the_blocks_is_noticed(served, http, place):
    assert_the_same_after(served, http, one_byte_wrong(float(place)))


@pytest.mark.parametrize("compress", ["zstd", "lzw", "none"])
def test_one_wrong_byte_in_the_second_answer_is_noticed(served, http):
    file = block_file(served, http)
    file.open()
    served.requests.clear()
    file.bring(0, WANTED)
    asked = [span for _, span in served.requests]
    first = len(asked) // 2
    assert asked[:first] == asked[first:]
    served.mishaps += [lambda handler, content: handler.serve(content)] * first
    served.mishaps += [one_byte_wrong(), lambda handler, content: handler.serve(content)]
    again = brought_elsewhere(served, http)
    assert not served.mishaps and again.target.read_bytes() == file.target.read_bytes()


@pytest.mark.parametrize("compress", ["lzw"])
def test_blocks_without_a_checksum_that_are_never_the_same_twice_are_told(served, http):
    file = block_file(served, http)
    file.open()
    served.mishaps += [one_byte_wrong(place) for place in np.linspace(0.1, 0.9, 99).tolist()]
    with pytest.raises(TransientSourceError, match="other bytes before"):
        file.bring(0, [0])
    assert not file.target.exists()


def test_deflated_blocks_are_fetched_once(served, http):
    file = block_file(served, http)
    file.open()
    served.requests.clear()
    fetched = file.bring(0, WANTED)
    spans = [tuple(int(part) for part in span[6:].split("-")) for _, span in served.requests]
    assert sum(last + 1 - first for first, last in spans) < 1.1 * fetched


def test_one_wrong_byte_in_the_header_is_noticed(served, http):
    steady = brought(served, http)
    for place in range(0, steady.index.header, 23):
        served.mishaps += [one_byte_wrong(place)]
        file = block_file(served, http, f"{place}")
        file.open()
        file.bring(0, WANTED)
        assert file.target.read_bytes() == steady.target.read_bytes()


@COMPRESSIONS
def test_what_lies_between_the_blocks_is_not_written(served, http):
    file = brought(served, http)
    inside = np.zeros(file.length, bool)
    inside[: file.index.header] = True
    for first, last, _ in file.spans(0, WANTED):
        inside[first:last] = True
    assert not np.frombuffer(file.target.read_bytes(), np.uint8)[~inside].any()


def test_a_flipped_bit_in_a_deflated_block_is_noticed_or_changes_nothing(served):
    path = served.folder / "far" / "B04.tif"
    content = path.read_bytes()
    level = read_index(content, len(content)).levels[0]
    ((first, last, _),) = level.spans([7])
    flips = np.random.default_rng(1)
    for _ in range(200):
        changed = bytearray(content)
        changed[int(flips.integers(first, last))] ^= 1 << int(flips.integers(8))
        path.unlink()
        path.write_bytes(changed)
        if unsound(path, level, 0, [7]) != [7]:
            assert zlib.decompress(changed[first:last]) == zlib.decompress(content[first:last])


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
    served.mishaps += [lambda handler, content: handler.serve(content), truncated(), *[closed] * 9]
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


@pytest.mark.parametrize("blocks", [WANTED, [7]], ids=["several", "one"])
def test_a_server_that_gives_crumbs_is_given_up(served, http, blocks):
    file = block_file(served, http)
    file.open()
    served.requests.clear()
    served.mishaps += [crumbs] * 99
    with pytest.raises(TransientSourceError, match=r"B04\.tif"):
        file.bring(0, blocks)
    assert len(served.requests) == 8
