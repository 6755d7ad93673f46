"""How many bytes came over the network for a folder, used or not."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.catalog.http import Http
from pipeline.errors import StorageError
from pipeline.storage import read_json, write_json

RECEIVED = "received.json"


def received(folder: Path) -> int:
    """Bytes that came for a folder so far; what a process that was killed had under way is left out."""
    path = Path(folder) / RECEIVED
    return int(read_json(path)["bytes"]) if path.exists() else 0


@contextmanager
def counted(folder: Path) -> Iterator[Http]:
    """A session whose bytes are added to those of a folder when the block ends, well or not."""
    http = Http()
    try:
        yield http
    finally:
        if http.received:
            # Of a block that fails because the disk is full, that is what is to be told.
            with suppress(StorageError):
                write_json(Path(folder) / RECEIVED, {"bytes": received(folder) + http.received})
