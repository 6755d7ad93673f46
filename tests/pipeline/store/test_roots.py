"""What a folder and a bucket have in common."""

import hashlib
import time

import pytest

from pipeline.store import FolderRoot

UNIT = "alps/33TWL/revisions/1"


@pytest.fixture(params=["folder", "bucket"])
def one(request, root, tmp_path):
    return FolderRoot(tmp_path / "folder") if request.param == "folder" else root("one")


def write(root, name, content, unit=UNIT):
    path = root.folder / unit / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


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
