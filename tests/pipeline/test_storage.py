import os
from errno import EDQUOT, EFBIG, ENOSPC

import pytest

from pipeline.errors import StorageError, StorageFull
from pipeline.storage import read_json, require_space, reserve, whole_file, write_bytes, write_json


def test_a_file_appears_only_when_whole(tmp_path):
    with whole_file(tmp_path / "deep" / "a.json") as beside:
        beside.write_text("half")
        assert not (tmp_path / "deep" / "a.json").exists()
        beside.write_text("whole")
    assert (tmp_path / "deep" / "a.json").read_text() == "whole"


def test_a_failed_write_leaves_the_old_content(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(ValueError), whole_file(tmp_path / "a") as beside:
        beside.write_bytes(b"new")
        raise ValueError
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_json_comes_back_and_numbers_that_are_none_are_refused(tmp_path):
    write_json(tmp_path / "a.json", {"share": 0.5})
    assert read_json(tmp_path / "a.json") == {"share": 0.5}
    with pytest.raises(ValueError):
        write_json(tmp_path / "b.json", {"share": float("nan")})


@pytest.mark.parametrize("content", [None, "{half"])
def test_json_that_is_missing_or_broken_is_told(tmp_path, content):
    if content:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(StorageError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_a_disk_too_small_is_refused_before_work_begins(tmp_path):
    with pytest.raises(StorageError, match="disk is full"):
        require_space(tmp_path, 2**62)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        write_bytes(tmp_path / "file" / "below", b"x")


@pytest.mark.parametrize("code", [ENOSPC, EDQUOT, EFBIG])
def test_room_on_the_disk_is_taken_before_a_file_is_written_through_memory(tmp_path, monkeypatch, code):
    path = tmp_path / "room"
    with path.open("wb") as file:
        file.truncate(2**20)
    assert path.stat().st_blocks == 0
    reserve(path)
    assert path.stat().st_size == 2**20 <= path.stat().st_blocks * 512

    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFull, match="disk is full"):
        reserve(path)
    with pytest.raises(StorageFull, match="disk is full"), whole_file(path):
        full()
