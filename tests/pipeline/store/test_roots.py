"""What a folder and a bucket have in common."""

import hashlib
import time

import pytest

from pipeline.store import FolderRoot, copy_into
from pipeline.store.cache import clear_remains
from tests.pipeline.store.conftest import MIB

UNIT = "alps/33TWL/revisions/1"


@pytest.fixture(params=["folder", "bucket"])
def one(request, root, tmp_path):
    return FolderRoot(tmp_path / "folder") if request.param == "folder" else root("one")


def write(root, name, content, unit=UNIT):
    path = root.folder / unit / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def states(folder):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_held_against_its_size_and_hash(one):
    one.take(UNIT)
    write(one, "mosaic.tif", b"mosaic")
    one.publish(UNIT)
    assert one.holds(UNIT, "mosaic.tif", 6, sha256(b"mosaic"))
    assert not one.holds(UNIT, "mosaic.tif", 6, sha256(b"Mosaic"))
    assert not one.holds(UNIT, "mosaic.tif", 7, sha256(b"mosaic"))
    assert not one.holds(UNIT, "landcover.tif", 6, sha256(b"mosaic"))


def test_an_object_that_is_gone_is_not_held(root):
    one = root("one")
    one.take(UNIT)
    write(one, "mosaic.tif", b"mosaic")
    one.publish(UNIT)
    one.objects.remove([key for key in one.objects.under(UNIT) if key.endswith(".tif")])
    assert not one.holds(UNIT, "mosaic.tif", 6, sha256(b"mosaic"))


def test_what_is_named_and_what_is_new_does_not_age_out(one):
    for name in ("aa/named.tif", "bb/old.tif"):
        write(one, name, b"chip", "alps/pyramid")
        one.keep(f"alps/pyramid/{name}")
    assert one.age_out("alps/pyramid", {"aa/named.tif"}, 60) == 0
    time.sleep(1.1)
    assert one.age_out("alps/pyramid", {"aa/named.tif"}, 0.5) == 1
    assert one.size("", "alps/pyramid/aa/named.tif") == 4
    assert not (one.folder / "alps/pyramid/bb/old.tif").exists()
    assert one.children("alps/pyramid") in (["aa"], ["aa", "bb"])


def test_a_version_changes_with_the_content(one):
    before = one.version(UNIT, "mosaic.tif")
    versions = {before}
    for content in (b"first", b"second"):
        one.take(UNIT)
        write(one, "mosaic.tif", content)
        one.publish(UNIT)
        assert one.version(UNIT, "mosaic.tif") == one.version(UNIT, "mosaic.tif")
        versions.add(one.version(UNIT, "mosaic.tif"))
    assert len(versions) == 3


def test_a_unit_may_be_published_from_a_folder_beside(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    beside = write(one, "delivery.json", b"{}", f"{UNIT}.part").parent
    one.publish(UNIT, beside)
    assert (other.bring(UNIT) / "delivery.json").read_bytes() == b"{}"
    beside.rename(one.folder / UNIT)
    assert one.take(UNIT).joinpath("delivery.json").read_bytes() == b"{}"


def test_what_was_read_is_forgotten_for_a_job(root):
    one, reader = root("one"), root("reader")
    reader.seconds = 3600.0
    assert reader.names(UNIT) == frozenset()
    one.take(UNIT)
    write(one, "composite.tif", b"x")
    one.publish(UNIT)
    assert reader.names(UNIT) == frozenset()
    reader.forget()
    assert reader.names(UNIT) == {"composite.tif"}


def test_remains_of_a_killed_writer_go_when_a_unit_is_taken(root):
    one = root("one")
    place = one.take(UNIT)
    write(one, ".mosaic.part.tif", b"half")
    write(one, "web/.lock", b"")
    one.let_go(UNIT)
    one.take(UNIT)
    assert not [path for path in place.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("lately", "left"), [(0.0, ["2"]), (600.0, ["0", "1", "2"])])
def test_readers_make_room_as_they_fetch_but_keep_what_was_just_used(root, monkeypatch, lately, left):
    monkeypatch.setattr("pipeline.store.bucket.TRIM_SECONDS", 0.0)
    one, reader = root("one"), root("reader", limit=MIB)
    reader.lately = lately
    for number in range(3):
        unit = f"alps/33TWL/revisions/{number}"
        one.take(unit)
        write(one, "mosaic.tif", bytes([number]) * MIB, unit)
        one.publish(unit)
        reader.bring(unit)
        time.sleep(0.01)
    assert sorted(path.parent.name for path in reader.folder.rglob("mosaic.tif")) == left


def test_a_folder_is_copied_and_is_left_as_it_was(root, tmp_path):
    folder = FolderRoot(tmp_path / "folder")
    write(folder, "mosaic.tif", b"mosaic")
    write(folder, "web/copies.json", b"{}")
    write(folder, ".mosaic.part.tif", b"half")
    write(folder, "area.tif", b"area", "deliveries/3/1")
    write(folder, "area.tif", b"half", "deliveries/3/.2-1.part")
    write(folder, "haze/1-0/haze.json", b"{}", ".models")
    write(folder, "aa/chip.tif", b"chip", "alps/pyramid")
    write(folder, "map-tiles/x", b"cached", ".cache")
    before = states(folder.folder)
    target = root("one")
    moved = copy_into(target, folder.folder)
    assert (moved.units, moved.files, moved.there) == (3, 1, 0)
    assert states(folder.folder) == before
    assert target.names(UNIT) == {"mosaic.tif", "web/copies.json"}
    assert target.names("deliveries/3/1") == {"area.tif"}
    assert (target.bring(".models") / "haze/1-0/haze.json").read_bytes() == b"{}"
    assert target.bring_file("alps/pyramid/aa/chip.tif").read_bytes() == b"chip"
    assert len(target.objects.under("")) == 5 + 3
    assert copy_into(target, folder.folder).there == 4


def test_what_killed_work_left_in_a_working_copy_goes(tmp_path):
    kept = [tmp_path / name for name in (".models/cloud/1.json", "deliveries/7/1/mosaic.tif")]
    gone = [
        tmp_path / name for name in ("deliveries/7/.2-1.part/mosaic.tif", "alps/33TWL/builds/1/.x.part.tif")
    ]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    clear_remains(tmp_path)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)
    assert not gone[0].parent.exists()
