"""What goes wrong between a machine and the bucket: slow, broken, cut, and killed in the middle."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pipeline.errors import StorageError, TransientStorageError
from pipeline.store.objects import Patience
from tests.pipeline.store.conftest import MIB
from tests.pipeline.store.test_bucket import UNIT, content, fill

FILES = {"composite.tif": b"composite" * 1000, "provenance.tif": b"provenance" * 1000}


def every_other(what):
    """The first try of each request goes wrong."""
    seen = set()

    def plan(method, path, number):
        if (method, path) in seen:
            return "pass"
        seen.add((method, path))
        return what

    return plan


@pytest.mark.parametrize("what", ["busy", "broken", "cut", "lost"])
def test_each_request_of_a_publication_goes_wrong_once(root, trouble, what):
    watched = trouble(every_other(what))
    with watched.serving() as url:
        one = root("one", url)
        one.take(UNIT)
        fill(one, **FILES)
        one.publish(UNIT)
    assert sum(told == what for _, _, told in watched.seen) >= 4
    assert content(root("other").take(UNIT)) == FILES


@pytest.mark.parametrize("what", ["busy", "broken", "cut", "short"])
def test_each_request_of_a_take_goes_wrong_once(root, trouble, what):
    one = root("one")
    one.take(UNIT)
    fill(one, **FILES, large=os.urandom(3 * MIB))
    one.publish(UNIT)
    with trouble(every_other(what)).serving() as url:
        assert content(root("other", url).take(UNIT)) == content(one.folder / UNIT)


def test_a_part_of_a_large_upload_is_cut(root, trouble):
    cut = []

    def plan(method, path, number):
        if "partNumber=2" in path and len(cut) < 2:
            cut.append(path)
            return "cut"
        return "pass"

    watched = trouble(plan)
    with watched.serving() as url:
        one = root("one", url)
        one.take(UNIT)
        fill(one, large=os.urandom(40 * MIB))
        one.publish(UNIT)
    assert len(cut) == 2
    first = [path for method, path, _ in watched.seen if method == "PUT" and "partNumber=1" in path]
    assert len(first) == 1, "a part that arrived is not sent again"
    assert content(root("other").take(UNIT)) == content(one.folder / UNIT)


def test_a_server_that_stays_down_is_told_and_nothing_is_published(root, trouble):
    one = root("one")
    one.take(UNIT)
    fill(one, **FILES)
    with trouble(lambda method, path, number: "busy").serving() as url:
        down = root("one", url, Patience(retries=1, first=0.01, most=0.02, altogether=5))
        down._taken[UNIT] = one._taken[UNIT]
        with pytest.raises(TransientStorageError, match="could not be stored as s3://"):
            down.publish(UNIT)
    assert not root("other").names(UNIT)


def test_a_bucket_that_is_not_there_is_told(s3, root):
    one = root("one")
    one.objects.__dict__.pop("_store", None)
    object.__setattr__(one.objects, "bucket", one.objects.bucket._replace(name="no-such-bucket-here"))
    with pytest.raises(StorageError, match="no-such-bucket-here"):
        one.check()


def test_damaged_bytes_are_not_taken(root):
    one = root("one")
    one.take(UNIT)
    fill(one, **FILES)
    one.publish(UNIT)
    (key,) = [key for key in one.objects.under(UNIT) if "composite" in key]
    damaged = one.folder / "damaged"
    damaged.write_bytes(FILES["composite.tif"][:-1] + b"X")
    one.objects.put(damaged, key)
    other = root("other", patience=Patience(retries=1, first=0.01, most=0.02))
    with pytest.raises(StorageError, match="not those that were published"):
        other.take(UNIT)
    assert not (other.folder / UNIT / "composite.tif").exists()


PUBLISH = """
    import sys
    from pathlib import Path
    from pipeline.store import BucketRoot, Objects
    from pipeline.store.objects import Bucket

    url, bucket, prefix, folder, unit = sys.argv[1:]
    root = BucketRoot(Objects(Bucket(bucket, prefix), url), Path(folder), 2**30)
    place = root.take(unit)
    place.mkdir(parents=True, exist_ok=True)
    for number in range(12):
        (place / f"{number}.tif").write_bytes(b"killed" + bytes([number]) * 10_000)
    root.publish(unit)
"""


@pytest.mark.parametrize("reached", [".tif", ".manifests"])
def test_a_worker_killed_while_it_publishes_leaves_no_half_unit(root, trouble, bucket, tmp_path, reached):
    one = root("one")
    one.take(UNIT)
    fill(one, **FILES)
    one.publish(UNIT)
    sent = []

    def plan(method, path, number):
        if method == "PUT":
            sent.append(path)
            if reached in path and (reached != ".tif" or len(sent) > 6):
                return "hang"
        return "pass"

    watched = trouble(plan)
    with watched.serving() as url:
        line = [sys.executable, "-c", textwrap.dedent(PUBLISH), url, *bucket, tmp_path / "killed", UNIT]
        process = subprocess.Popen(line)
        assert watched.hangs.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert len(sent) > 6
    other = root("other")
    assert content(other.take(UNIT)) == FILES
    fill(other, **{"composite.tif": b"next"})
    other.publish(UNIT)
    assert content(one.take(UNIT)) == FILES | {"composite.tif": b"next"}
    assert len(other.objects.under(UNIT)) > 8
    other.prune(UNIT)
    assert len(other.objects.under(UNIT)) == 3
