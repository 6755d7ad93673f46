"""Whole files come over the network once; the cache keeps to its size, also with several processes at it."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipeline.catalog.cache import Cache
from pipeline.catalog.download import bring, fetch
from pipeline.catalog.http import Http
from pipeline.errors import SourceError, UsageError
from tests.mishaps import garbled
from tests.pipeline.catalog.making import scene_of, surface, write_bands


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", 10_000)


def whole(path, size=3_000, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    return path


def kept(cache):
    return list(cache.folder.glob("??/*"))


def test_what_was_kept_is_given_also_after_it_has_gone_from_where_it_came(cache, tmp_path):
    path = whole(tmp_path / "a")
    content = path.read_bytes()
    cache.keep("key", path)
    path.unlink()
    assert cache.give("key", tmp_path / "b" / "c") and (tmp_path / "b" / "c").read_bytes() == content
    assert not cache.give("other key", tmp_path / "d") and not (tmp_path / "d").exists()


def test_the_file_used_longest_ago_goes_first(cache, tmp_path):
    for number in range(3):
        cache.keep(f"{number}", whole(tmp_path / "files" / f"{number}", seed=number))
        os.utime(cache._place(f"{number}"), (number, number))
    assert cache.give("0", tmp_path / "got")
    cache.keep("3", whole(tmp_path / "files" / "3", seed=3))
    assert [cache.give(f"{number}", tmp_path / f"again-{number}") for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]


def test_a_file_larger_than_the_cache_is_left_out(cache, tmp_path):
    cache.keep("small", whole(tmp_path / "a"))
    cache.keep("large", whole(tmp_path / "b", 10_001))
    assert len(kept(cache)) == 1


def test_several_processes_keep_to_the_size_and_give_whole_files_only(cache, tmp_path):
    code = """
import sys
from pathlib import Path
from pipeline.catalog.cache import Cache
cache, mine = Cache(Path(sys.argv[1]), 10_000), Path(sys.argv[2])
mine.mkdir()
for turn in range(60):
    key = str((turn * int(sys.argv[3])) % 7)
    (mine / "a").write_bytes(key.encode() * 3_000)
    cache.keep(key, mine / "a")
    (mine / "a").unlink()
    (mine / "b").unlink(missing_ok=True)
    if cache.give(key, mine / "b"):
        assert (mine / "b").read_bytes() == key.encode() * 3_000
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(cache.folder), str(tmp_path / str(step)), str(step)]
        )
        for step in (1, 2, 3)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert kept(cache) and sum(path.stat().st_size for path in kept(cache)) <= cache.limit


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path, caplog):
    whole(tmp_path / "cache")
    Cache(tmp_path / "cache", 10_000).keep("key", whole(tmp_path / "a"))
    assert "cannot be written" in caplog.text


def stated(scene, paths):
    """The scene as an item that states the checksums of its files."""
    sums = {band: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for band, path in paths.items()}
    assets = {band: replace(asset, checksum=sums[band]) for band, asset in scene.assets.items()}
    return replace(scene, assets=assets)


def test_a_second_build_fetches_nothing(files, cache):
    cache = Cache(cache.folder, 10**8)
    paths = write_bands(files.folder / "far", surface())
    plain = scene_of({band: files.at(path) for band, path in paths.items()})
    scene = stated(plain, paths)
    first = bring(scene, files.folder / "one", Http(), cache)
    assert first.fetched == first.weight == sum(path.stat().st_size for path in paths.values())
    files.requests.clear()
    second = bring(scene, files.folder / "two", Http(), cache)
    assert (second.fetched, second.weight) == (0, first.weight)
    assert not files.requests
    for band, path in paths.items():
        assert (files.folder / "two" / scene.id / f"{band}.tif").read_bytes() == path.read_bytes()
    paths = write_bands(files.folder / "far", surface(1))
    assert bring(stated(plain, paths), files.folder / "three", Http(), cache).fetched > 0


@pytest.mark.parametrize("checksum", [None, "", "md4:" + "0" * 32, "sha256:abc", "shake_128:" + "0" * 32])
def test_what_cannot_be_held_against_a_checksum_is_not_kept(files, cache, checksum):
    path = whole(files.folder / "far.jp2")
    files.mishaps += [garbled]
    assert fetch(files.at(path), files.folder / "a", checksum, None, cache) == 3_000
    assert not kept(cache)
    assert fetch(files.at(path), files.folder / "b", checksum, None, cache) == 3_000
    assert (files.folder / "b").read_bytes() == path.read_bytes()


def test_a_stated_checksum_finds_the_file_without_asking_and_is_held_against_it(files, cache):
    cache, path = Cache(cache.folder, 10**8), whole(files.folder / "far.jp2")
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert fetch(files.at(path), files.folder / "a", checksum, None, cache) == 3_000
    files.requests.clear()
    assert fetch(files.at(path), files.folder / "b", checksum, None, cache) == 0 and not files.requests
    (kept_file,) = kept(cache)
    kept_file.unlink()
    kept_file.write_bytes(b"rotten")
    assert fetch(files.at(path), files.folder / "c", checksum, None, cache) == 3_000
    assert (files.folder / "c").read_bytes() == path.read_bytes()


def test_a_rotten_file_goes_also_when_the_right_one_cannot_be_had(files, cache):
    cache, path = Cache(cache.folder, 10**8), whole(files.folder / "far.jp2")
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    fetch(files.at(path), files.folder / "a", checksum, None, cache)
    (kept_file,) = kept(cache)
    kept_file.unlink()
    kept_file.write_bytes(b"rotten")
    path.unlink()
    with pytest.raises(SourceError, match="404"):
        fetch(files.at(path), files.folder / "c", checksum, None, cache)
    assert not kept(cache) and not (files.folder / "c").exists()


def test_the_environment_names_the_cache(tmp_path):
    assert Cache.of_environment({}) is None
    found = Cache.of_environment({"EARTHQUILT_CACHE": str(tmp_path), "EARTHQUILT_CACHE_GIB": "0.5"})
    assert found == Cache(tmp_path, 2**29)
    assert Cache.of_environment({"EARTHQUILT_CACHE": str(tmp_path)}).limit == 20 * 2**30
    with pytest.raises(UsageError, match="'lots'"):
        Cache.of_environment({"EARTHQUILT_CACHE": str(tmp_path), "EARTHQUILT_CACHE_GIB": "lots"})
