"""A process killed in mid-file leaves what the next one goes on from, to the same bytes."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pipeline.catalog.blocks import BlockFile
from pipeline.catalog.download import fetch
from pipeline.catalog.http import Http
from tests.mishaps import Halt, drip
from tests.pipeline.catalog.making import surface, write_band

CONTENT = np.random.default_rng(5).bytes(3_000_000)
WHOLE = """
import sys
from pathlib import Path
from pipeline.catalog.download import fetch
fetch(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
"""
BLOCKS = """
import sys
from pathlib import Path
from pipeline.catalog.blocks import BlockFile
from pipeline.catalog.http import Http
file = BlockFile(sys.argv[1], Path(sys.argv[2]), Http())
file.open()
file.bring(0, list(range(30)))
"""


def kill_in_mid_file(code, halt, note, *arguments):
    """Start a process, kill it with SIGKILL once the server stopped in mid-file and some of it is on disk."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])
    assert halt.reached.wait(60)
    end = time.monotonic() + 20
    while not (note.exists() and note.stat().st_size) and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    halt.go.set()


def test_a_whole_file_is_continued(files):
    (files.folder / "far.jp2").write_bytes(CONTENT)
    checksum = f"1220{hashlib.sha256(CONTENT).hexdigest()}"
    target, halt = files.folder / "near" / "far.jp2", Halt()
    files.mishaps += [halt]
    kill_in_mid_file(WHOLE, halt, target.parent / ".far.jp2.part", files.at("far.jp2"), target, checksum)
    assert not target.exists()
    had = (target.parent / ".far.jp2.part").stat().st_size
    assert 0 < had < len(CONTENT)
    fetch(files.at("far.jp2"), target, checksum)
    assert target.read_bytes() == CONTENT
    assert files.requests[1] == ("/far.jp2", f"bytes={had}-")
    assert [path.name for path in target.parent.iterdir()] == ["far.jp2"]


def test_blocks_are_continued(files):
    path = files.folder / "far.tif"
    write_band(path, surface(side=700)[:1], resolution=60, driver="COG", compress="deflate", blocksize=128)
    target, halt = files.folder / "near" / "red.tif", Halt()
    files.mishaps += [lambda handler, content: handler.serve(content)] * 2 + [halt]
    kill_in_mid_file(BLOCKS, halt, target.parent / ".red.tif.blocks", files.at("far.tif"), target)
    assert not target.exists()
    files.requests.clear()
    rest = BlockFile(files.at("far.tif"), target, Http())
    fresh = BlockFile(files.at("far.tif"), target.with_name("other.tif"), Http())
    rest.open()
    had = len(rest.came)
    assert 0 < had < 30
    rest.bring(0, list(range(30)))
    assert len(files.requests) == 1
    fresh.open()
    fresh.bring(0, list(range(30)))
    assert target.read_bytes() == fresh.target.read_bytes()


@pytest.mark.parametrize("drips", [1, 9])
def test_a_drip_is_not_waited_for(files, drips):
    (files.folder / "far.jp2").write_bytes(CONTENT)
    files.mishaps += [drip] * drips
    target, http = files.folder / "near" / "far.jp2", Http(tries=3, pause=0.01, patience=0.1)
    if drips == 1:
        fetch(files.at("far.jp2"), target, None, http)
        assert target.read_bytes() == CONTENT
    else:
        with pytest.raises(Exception, match="sent only") as caught:
            fetch(files.at("far.jp2"), target, None, http)
        assert type(caught.value).__name__ == "TooSlow" and not target.exists()
