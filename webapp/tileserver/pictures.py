"""Encoded map tiles kept for the next who asks: some in each process, more in a folder that all share.

A picture is named by a hash of all that it depends on (see `maptiles`), so it never goes stale and needs no
word when an edition is published. What was used longest ago goes first.
"""

import fcntl
import logging
import os
import queue
import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

MIB = 2**20
MEMORY = 64 * MIB
MOST_WAITING = 2000
# A folder is looked through for what is to go after so large a share of its limit was written.
SHARE_BETWEEN_LOOKS = 0.05
ROOM_AFTER_A_LOOK = 0.9


class Memory:
    """Pictures in this process, up to a number of bytes."""

    def __init__(self, limit: int = MEMORY):
        """Keep at most ``limit`` bytes."""
        self.limit = limit
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Give a picture, None where it is not held."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def keep(self, key: str, picture: bytes) -> None:
        """Take a picture in."""
        with self._lock:
            self._bytes += len(picture) - len(self._held.pop(key, b""))
            self._held[key] = picture
            while self._bytes > self.limit:
                self._bytes -= len(self._held.popitem(last=False)[1])


class Folder:
    """Pictures on the disk, up to a number of bytes; several processes may use it at once.

    A folder that cannot be written is told once and not used.
    """

    def __init__(self, folder: Path, limit: int):
        """Keep at most about ``limit`` bytes in a folder, which need not exist; 0 keeps nothing."""
        self.folder, self.limit = Path(folder), limit
        self._written = 0
        self._told = False
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Give a picture, None where it is not there."""
        if not self.limit:
            return None
        path = self._path(key)
        try:
            with open(path, "rb", buffering=0) as file:
                picture = file.read()
                os.utime(file.fileno())
        except OSError:
            return None
        return picture

    def keep(self, key: str, picture: bytes) -> None:
        """Take a picture in, whole or not at all, and make room for it."""
        if not self.limit:
            return
        path = self._path(key)
        beside = f"{path}.{secrets.token_hex(4)}"
        try:
            try:
                _write(beside, picture)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _write(beside, picture)
            os.replace(beside, path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(beside)
            self._tell(error)
            return
        self._count(len(picture))

    def _path(self, key: str) -> str:
        return f"{self.folder}/{key[:1]}/{key}"

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            log.warning("Map tiles are not kept: %s", error)

    def _count(self, size: int) -> None:
        with self._lock:
            self._written += size
            if self._written < self.limit * SHARE_BETWEEN_LOOKS:
                return
            self._written = 0
        self.make_room()

    def make_room(self) -> None:
        """Remove what was used longest ago while there is more than the limit, unless another does it."""
        with suppress(OSError), open(self.folder / ".lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files = []
            for folder in os.scandir(self.folder):
                for entry in os.scandir(folder) if folder.is_dir() else ():
                    with suppress(FileNotFoundError):
                        state = entry.stat()
                        files.append((state.st_mtime_ns, state.st_size, entry.path))
            held = sum(size for _, size, _ in files)
            if held <= self.limit:
                return
            for _, size, path in sorted(files):
                if held <= self.limit * ROOM_AFTER_A_LOOK:
                    break
                with suppress(FileNotFoundError):
                    os.unlink(path)
                held -= size


def _write(path: str, content: bytes) -> None:
    with open(path, "xb", buffering=0) as file:
        file.write(content)


class Pictures:
    """Memory first, then the folder, which is written behind the back of whoever waits for a picture."""

    def __init__(self, memory: Memory, folder: Folder):
        """Take both."""
        self.memory, self.folder = memory, folder
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Give a picture, None where it is not kept."""
        picture = self.memory.get(key)
        if picture is None:
            picture = self.folder.get(key)
            if picture is not None:
                self.memory.keep(key, picture)
        return picture

    def keep(self, key: str, picture: bytes) -> None:
        """Take a picture in; where too many wait to be written, the folder does not get it."""
        self.memory.keep(key, picture)
        if not self.folder.limit:
            return
        with suppress(queue.Full):
            self._waiting.put_nowait((key, picture))
        # A thread does not outlive a fork, so it begins where the first picture is kept.
        if self._writer is None:
            with self._lock:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write_all, name="pictures", daemon=True)
                    self._writer.start()

    def flush(self) -> None:
        """Wait until all that was taken in is written."""
        self._waiting.join()

    def _write_all(self) -> None:
        while True:
            key, picture = self._waiting.get()
            try:
                self.folder.keep(key, picture)
            finally:
                self._waiting.task_done()
