"""The index of a COG is what GDAL takes it for, and what is no COG is not taken for one."""

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.catalog.tiff import Beyond, NotByBlocks, read_index
from tests.pipeline.catalog.making import surface, write_band

OPTIONS = [{}, {"BIGTIFF": "YES"}, {"compress": "deflate", "blocksize": 256}, {"sparse_ok": "TRUE"}]


def cog(path, side=700, **options):
    counts = surface(side=side)[:1]
    counts[:, :200, :200] = 0
    return write_band(path, counts, resolution=60, driver="COG", **({"blocksize": 128} | options))


def index_of(content):
    end = 16
    while True:
        try:
            return read_index(content[:end], len(content))
        except Beyond as beyond:
            assert beyond.end > end
            end = beyond.end


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_blocks_lie_where_gdal_finds_them(tmp_path, options):
    path = cog(tmp_path / "a.tif", **options)
    index = index_of(path.read_bytes())
    with rasterio.open(path) as dataset:
        assert len(index.levels) == 1 + len(dataset.overviews(1)) > 1
        assert index.levels[0].shape == dataset.shape and index.levels[0].block == dataset.block_shapes[0]
        for number, level in enumerate(index.levels):
            rows, cols = level.blocks
            for block in range(rows * cols):
                name = f"BLOCK_OFFSET_{block % cols}_{block // cols}"
                extra = {"ovr": number - 1} if number else {}
                told = dataset.get_tag_item(name, "TIFF", bidx=1, **extra)
                assert int(told or 0) == level.offsets.values[block]


@settings(max_examples=20, deadline=None)
@given(keep=st.sets(st.integers(0, 35)), big=st.booleans())
def test_only_the_blocks_kept_are_read_the_others_are_empty(tmp_path_factory, keep, big):
    folder = tmp_path_factory.getbasetemp() / f"kept-{big}"
    if not folder.exists():
        cog(folder / "a.tif", BIGTIFF="YES" if big else "NO")
    content = (folder / "a.tif").read_bytes()
    index = index_of(content)
    assert index.levels[0].blocks == (6, 6)
    changed = index.without(content[: index.header], {0: keep}) + content[index.header :]
    (folder / "b.tif").write_bytes(changed)
    with rasterio.open(folder / "a.tif") as whole, rasterio.open(folder / "b.tif") as part:
        expected, found = whole.read(1), part.read(1)
    for block in range(36):
        (top, bottom), (left, right) = index.levels[0].pixels(block)
        place = slice(top, bottom), slice(left, right)
        np.testing.assert_array_equal(found[place], expected[place] if block in keep else 0)


def test_what_is_no_cog_is_told(tmp_path):
    striped = write_band(tmp_path / "striped.tif", surface(side=300)[:1])
    scattered = tmp_path / "scattered.tif"
    write_band(scattered, surface(side=300)[:1], tiled=True, blockxsize=128, blockysize=128)
    with rasterio.open(scattered, "r+") as dataset:
        dataset.build_overviews([2])
    jpeg = write_band(tmp_path / "a.jp2", surface()[:1])
    page = b"<html>" + b"sorry" * 100
    for content in (striped.read_bytes(), scattered.read_bytes(), jpeg.read_bytes(), page, b"II"):
        with pytest.raises(NotByBlocks):
            index_of(content)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_broken_header_never_gives_places_outside_the_file(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "broken.tif"
    content = bytearray((path if path.exists() else cog(path)).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 1200))] = data.draw(st.integers(0, 255))
    try:
        index = index_of(bytes(content))
    except NotByBlocks:
        return
    for level in index.levels:
        assert (level.offsets.values + level.sizes.values).max() <= len(content)
        assert level.blocks[0] * level.blocks[1] == level.offsets.values.size
