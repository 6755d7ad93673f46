import os
import time

import numpy as np
import pytest
import rasterio

from pipeline.errors import StorageError, TransientStorageError, UsageError
from pipeline.store import FolderRoot, bucket_of
from pipeline.store.manifest import FOLDER
from tests.pipeline.store.conftest import MIB

UNIT = "alps/33TWL/builds/1"


def fill(root, unit=UNIT, **files):
    for name, content in files.items():
        path = root.folder / unit / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_one_machine_publishes_another_takes(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    large = os.urandom(40 * MIB)
    fill(one, a=b"first", scenes__x__image=b"second", large=large)
    one.publish(UNIT)
    assert content(other.take(UNIT)) == {"a": b"first", "scenes/x/image": b"second", "large": large}


def test_a_large_file_goes_in_parts(root, trouble, s3):
    watched = trouble(lambda method, path, number: "pass")
    with watched.serving() as url:
        one = root("one", url)
        one.take(UNIT)
        fill(one, large=os.urandom(40 * MIB), small=b"x")
        one.publish(UNIT)
    parts = [path for method, path, _ in watched.seen if method == "PUT" and "partNumber=" in path]
    assert len(parts) == 3
    assert s3.multiparts_begun(one.objects.bucket.name) == 0


def test_work_goes_on_with_what_the_last_machine_left(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    fill(one, kept=b"kept", changed=b"before", removed=b"removed")
    one.publish(UNIT)
    other.take(UNIT)
    fill(other, changed=b"after!", new=b"new")
    (other.folder / UNIT / "removed").unlink()
    other.publish(UNIT)
    fill(one, leftover=b"of a stage that was killed")
    assert content(one.take(UNIT)) == {"kept": b"kept", "changed": b"after!", "new": b"new"}


def test_only_what_changed_is_sent(root, trouble):
    watched = trouble(lambda method, path, number: "pass")
    with watched.serving() as url:
        one = root("one", url)
        one.take(UNIT)
        fill(one, a=b"a", b=b"b")
        one.publish(UNIT)
        watched.seen.clear()
        one.take(UNIT)
        fill(one, b=b"other")
        one.publish(UNIT)
        sent = [path.rpartition("/")[2] for method, path, _ in watched.seen if method == "PUT"]
        assert sorted(name.partition(".")[0] for name in sent) == ["00000002", "b"]
        watched.seen.clear()
        one.take(UNIT)
        one.publish(UNIT)
    assert not [method for method, *_ in watched.seen if method == "PUT"]


def test_of_two_writers_one_publishes(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    other.take(UNIT)
    fill(one, mosaic=b"one", landcover=b"one")
    fill(other, mosaic=b"other", landcover=b"other")
    one.publish(UNIT)
    with pytest.raises(TransientStorageError, match="another worker"):
        other.publish(UNIT)
    assert content(root("third").take(UNIT)) == {"mosaic": b"one", "landcover": b"one"}
    other.take(UNIT)
    fill(other, mosaic=b"other")
    other.publish(UNIT)
    assert content(one.take(UNIT)) == {"mosaic": b"other", "landcover": b"one"}


def test_files_are_added_to_what_was_published(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    fill(one, **{"mosaic.tif": b"mosaic", "other.tif": b"other"})
    one.publish(UNIT)
    other.bring(UNIT, ["mosaic.tif"])
    fill(other, **{"web__mosaic.tif": b"copy"})
    other.publish(UNIT)
    assert root("third").names(UNIT) == {"mosaic.tif", "other.tif", "web/mosaic.tif"}


def test_only_what_is_asked_for_is_brought(root):
    one, other = root("one"), root("other")
    one.take(UNIT)
    fill(one, **{"a.json": b"a", "scenes__b.json": b"b", "c.tif": b"c"})
    one.publish(UNIT)
    assert set(content(other.bring(UNIT, ["c.tif", "missing.tif"]))) == {"c.tif"}
    assert set(content(other.bring(UNIT, ["*.json"]))) == {"a.json", "scenes/b.json", "c.tif"}
    assert other.size(UNIT, "c.tif") == 1 and other.size(UNIT, "d.tif") is None
    assert b"".join(other.read(UNIT, "a.json", 0, 0)) == b"a"


def test_what_is_here_is_not_fetched_again(root, trouble):
    one = root("one")
    one.take(UNIT)
    fill(one, a=b"a", b=b"b")
    one.publish(UNIT)
    watched = trouble(lambda method, path, number: "pass")
    with watched.serving() as url:
        other = root("other", url)
        other.bring(UNIT)
        other.bring(UNIT)
        (other.folder / UNIT / "b").write_bytes(b"B")
        other.bring(UNIT)
    fetched = [path for method, path, _ in watched.seen if method == "GET" and ".json" not in path]
    names = [path.rpartition("/")[2].partition(".")[0] for path in fetched if "list-type" not in path]
    assert sorted(names) == ["a", "b", "b"]


def test_a_raster_is_read_by_range(root, trouble):
    one = root("one")
    place = one.take(UNIT)
    place.mkdir(parents=True)
    values = np.random.default_rng(8001).integers(0, 255, (1, 2048, 2048), np.uint8)
    options = {"driver": "COG", "count": 1, "dtype": "uint8", "width": 2048, "height": 2048}
    with rasterio.open(place / "a.tif", "w", blocksize=256, **options) as file:
        file.write(values)
    one.publish(UNIT)
    other = root("other")
    with rasterio.open(other.address(UNIT, "a.tif")) as file:
        assert np.array_equal(file.read(1, window=((0, 256), (0, 256))), values[0, :256, :256])
    assert not (other.folder / UNIT).exists()
    assert other.address(UNIT, "b.tif") is None


def test_single_files_keep_their_names(root):
    one, other = root("one"), root("other")
    (one.folder / "alps/pyramid/ab").mkdir(parents=True)
    (one.folder / "alps/pyramid/ab/abcd.tif").write_bytes(b"chip")
    one.keep("alps/pyramid/ab/abcd.tif")
    assert other.bring_file("alps/pyramid/ab/abcd.tif").read_bytes() == b"chip"
    assert other.size("", "alps/pyramid/ab/abcd.tif") == 4
    assert b"".join(other.read("", "alps/pyramid/ab/abcd.tif", 1, 2)) == b"hi"
    assert not other.bring_file("alps/pyramid/ab/none.tif").exists()
    assert other.children("alps/pyramid") == ["ab"]
    other.remove("alps/pyramid/ab/abcd.tif")
    assert other.size("", "alps/pyramid/ab/abcd.tif") == 4 or other.children("alps/pyramid") == []
    assert root("third").size("", "alps/pyramid/ab/abcd.tif") is None


def test_a_unit_is_removed_with_all_that_it_had(root):
    one = root("one")
    for number in (b"1", b"2"):
        one.take(UNIT)
        fill(one, a=number)
        one.publish(UNIT)
    one.take("alps/33TWL/builds/10")
    fill(one, "alps/33TWL/builds/10", a=b"neighbour")
    one.publish("alps/33TWL/builds/10")
    one.remove(UNIT)
    assert not one.names(UNIT) and not (one.folder / UNIT).exists()
    assert one.children("alps/33TWL/builds") == ["10"]


def test_prune_leaves_what_the_newest_list_names(root):
    one = root("one")
    for number in (b"1", b"2", b"3"):
        one.take(UNIT)
        fill(one, a=number, b=b"same")
        one.publish(UNIT)
    assert one.prune(UNIT) == 4
    assert content(root("other").take(UNIT)) == {"a": b"3", "b": b"same"}
    assert len(one.objects.under(f"{UNIT}/{FOLDER}")) == 1


def test_the_working_copy_stays_within_its_limit(root):
    one = root("one", limit=5 * MIB)
    for number in range(8):
        unit = f"alps/33TWL/builds/{number}"
        one.take(unit)
        fill(one, unit, a=os.urandom(MIB))
        one.publish(unit)
    first, last = (one.folder / f"alps/33TWL/builds/{number}" / "a" for number in (0, 7))
    os.utime(first, ns=(time.time_ns() - 10**12, first.stat().st_mtime_ns))
    assert one.trim(unused_seconds=60) == MIB and not first.exists()
    one.trim()
    assert sum(path.stat().st_size for path in one.folder.rglob("a")) <= 5 * MIB and last.exists()
    assert (one.bring("alps/33TWL/builds/0") / "a").stat().st_size == MIB


def test_health(root, trouble):
    one = root("one")
    one.check()
    assert one.children("") == [] and list(one.folder.iterdir()) == []
    with (
        trouble(lambda method, path, number: "broken").serving() as url,
        pytest.raises(StorageError, match="could not be stored"),
    ):
        root("other", url).check()


def test_addresses_of_buckets():
    assert bucket_of("s3://quilt/a/b/") == ("quilt", "a/b")
    assert bucket_of("s3://quilt") == ("quilt", "")
    for wrong in ("s3://", "s3:///a", "s3://key:secret@quilt", "http://quilt", "s3://quilt/a?b"):
        with pytest.raises(UsageError, match="s3://BUCKET"):
            bucket_of(wrong)


def test_a_folder_is_never_copied(tmp_path):
    root = FolderRoot(tmp_path)
    fill(root, a=b"a")
    assert root.take(UNIT) == root.bring(UNIT) == tmp_path / UNIT
    root.publish(UNIT)
    assert content(tmp_path) == {f"{UNIT}/a": b"a"}
    assert root.names(UNIT) == {"a"} and root.size(UNIT, "a") == 1
    assert root.address(UNIT, "a") == str(tmp_path / UNIT / "a")
    assert b"".join(root.read("", f"{UNIT}/a", 0, 0)) == b"a"
    assert root.children("alps") == ["33TWL"]
    root.check()
    root.remove(UNIT)
    assert not root.names(UNIT)
