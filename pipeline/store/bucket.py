"""A root that is a bucket, with a working copy on this machine (docs/decisions/storage.md)."""

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pipeline.errors import StorageError, TransientStorageError
from pipeline.store import cache, manifest
from pipeline.store.folder import names_in
from pipeline.store.manifest import Entry, Manifest
from pipeline.store.objects import Objects, Patience, set_environment

log = logging.getLogger(__name__)

AT_ONCE = 8
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 50_000
HEALTH = ".health"
TRIM_SECONDS = 60.0
# Who asks whether the bucket answers wants to know soon.
SHORT = Patience(retries=1, first=0.1, most=0.5, altogether=5.0)


class BucketRoot:
    """See `Root`: files lie under keys that name their content, and a manifest makes them a unit."""

    def __init__(
        self,
        objects: Objects,
        folder: Path,
        limit: int,
        seconds: float = REMEMBERED_SECONDS,
        lately: float | None = None,
    ) -> None:
        """Take the bucket and the working copy's folder.

        Args:
            objects: of the bucket.
            folder: of the working copy; processes that work may not share one, those that read may.
            limit: bytes of the working copy, see `trim`.
            seconds: how long a manifest that was read is believed by those who only read.
            lately: for a copy that is only read: room is made in it as files are brought, and those used
                within so many seconds stay; None for one of work, see `trim`.
        """
        self.objects, self.folder, self.limit, self.seconds = objects, folder, limit, seconds
        self._known: dict[str, tuple[float, Manifest]] = {}
        self._taken: dict[str, Manifest] = {}
        self.lately, self._next_trim = lately, 0.0
        self._sizes: dict[str, int] = {}
        self._sources: dict[tuple[str, str], str] = {}
        set_environment(objects.gdal_environment())

    def take(self, unit: str) -> Path:
        """Make the folder of a unit just what was last published."""
        found = self._manifest(unit, fresh=True)
        self._taken[unit] = found
        place = self.folder / unit
        for path in place.rglob("*"):
            if not path.is_dir() and path.relative_to(place).as_posix() not in found.files:
                path.unlink()
        self._fetch(unit, found.files)
        return place

    def publish(self, unit: str, place: Path | None = None) -> None:
        """Upload what is new, then the manifest."""
        taken = self._taken.pop(unit, None)
        before = self._manifest(unit, fresh=True) if taken is None else taken
        files = {} if taken is not None else dict(before.files)
        place = place or self.folder / unit
        here = {name: self._entry(place / name, before.files.get(name)) for name in names_in(place)}
        files |= here
        if files == dict(before.files):
            return
        known = {manifest.key_of(unit, *item) for item in before.files.items()}
        new = [item for item in here.items() if manifest.key_of(unit, *item) not in known]
        _all(lambda item: self.objects.put(place / item[0], manifest.key_of(unit, *item)), new)
        following = before.followed_by(files)
        if not self.objects.create(manifest.key_of_manifest(unit, following.number), following.to_bytes()):
            self._known.pop(unit, None)
            raise TransientStorageError(f"{unit} was published by another worker meanwhile.")
        self._remember(unit, following)
        if place.is_relative_to(self.folder):
            for name, entry in here.items():
                cache.set_mark(place / name, entry)

    def let_go(self, unit: str) -> None:
        """Forget that a unit was taken: what its folder holds is not published."""
        self._taken.pop(unit, None)

    def bring(self, unit: str, names: Sequence[str] = ("*",)) -> Path:
        """Download what is asked for and is not here; what is being worked on is left alone."""
        if unit not in self._taken:
            files = self._manifest(unit).files
            wanted = {name: entry for name, entry in files.items() if _matches(name, names)}
            if any(name not in files for name in names if "*" not in name):
                files = self._manifest(unit, fresh=self._is_old(unit)).files
                wanted = {name: entry for name, entry in files.items() if _matches(name, names)}
            self._fetch(unit, wanted)
        return self.folder / unit

    def forget(self) -> None:
        """Look at every manifest anew."""
        self._known.clear()

    def names(self, unit: str) -> frozenset[str]:
        """What the manifest names."""
        return frozenset(self._manifest(unit).files)

    def address(self, unit: str, name: str) -> str | None:
        """The object of the content that was last published."""
        entry = self._manifest(unit).files.get(name)
        return self.objects.address(manifest.key_of(unit, name, entry)) if entry else None

    def source(self, unit: str, name: str) -> str:
        """The object, remembered for ever; where there is none, one that GDAL does not find."""
        known = self._sources.get((unit, name))
        if known is None:
            known = self.address(unit, name)
            if known is None:
                return self.objects.address(f"{unit}/{name}")
            if len(self._sources) >= MOST_REMEMBERED:
                self._sources.clear()
            self._sources[unit, name] = known
        return known

    def holds(self, unit: str, name: str, size: int, sha256: str) -> bool:
        """Whether the manifest says so, and the object is there with so many bytes; they are not read."""
        entry = self._manifest(unit).files.get(name)
        if entry != Entry(size, sha256):
            return False
        return self.objects.size(manifest.key_of(unit, name, entry)) == size

    def keep(self, name: str, path: Path | None = None) -> None:
        """Upload a file under its own name."""
        self.objects.put(path or self.folder / name, name)

    def bring_file(self, name: str) -> Path:
        """Download a file, unless it is here."""
        path = self.folder / name
        if not cache.touch(path):
            self.objects.get(name, path)
            self._make_room()
        return path

    def size(self, unit: str, name: str) -> int | None:
        """As the manifest tells, or the object itself."""
        if unit:
            entry = self._manifest(unit).files.get(name)
            return entry.size if entry else None
        if name not in self._sizes:
            found = self.objects.size(name)
            if found is None:
                return None
            self._sizes[name] = found
        return self._sizes[name]

    def version(self, unit: str, name: str) -> str:
        """The key, which names the content; what is of no unit never changes."""
        return (self.address(unit, name) if unit else None) or f"{unit}/{name}"

    def read(self, unit: str, name: str, first: int, last: int) -> Iterator[bytes]:
        """By requests for parts of the object."""
        key = name
        if unit:
            entry = self._manifest(unit).files.get(name)
            if entry is None:
                raise StorageError(f"{unit} has no {name}.")
            key = manifest.key_of(unit, name, entry)
        return self.objects.read(key, first, last)

    def remove(self, name: str) -> None:
        """Remove the manifests first, so that nobody meets a unit of which a part is gone."""
        keys = self.objects.under(name)
        lists = [key for key in keys if f"/{manifest.FOLDER}/" in f"/{key}"]
        self.objects.remove(lists)
        self.objects.remove([key for key in keys if key not in set(lists)])
        if not keys and self.objects.size(name) is not None:
            self.objects.remove([name])
        for unit in [unit for unit in self._known if f"{unit}/".startswith(f"{name}/")]:
            self._known.pop(unit, None)
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def children(self, name: str) -> list[str]:
        """What a listing of the folder gives."""
        return self.objects.right_under(name)

    def age_out(self, name: str, wanted: Collection[str], seconds: float) -> int:
        """By the server's time of change."""
        keep = {f"{name}/{one}" for one in wanted}
        old = [key for key in self.objects.older(name, seconds) if key not in keep]
        self.objects.remove(old)
        for key in old:
            (self.folder / key).unlink(missing_ok=True)
        return len(old)

    def check(self) -> None:
        """Write, read and remove a small object."""
        objects = replace(self.objects, patience=SHORT)
        path = self.folder / f"{HEALTH}-{time.time_ns():x}"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(b"0")
            objects.put(path, path.name)
            objects.remove([path.name])
        finally:
            path.unlink(missing_ok=True)

    def trim(self, unused_seconds: float = 0.0) -> int:
        """Make room in the working copy, whose files it does not ask for: call it between works."""
        return cache.trim(self.folder, self.limit, unused_seconds)

    def prune(self, unit: str, seconds: float = 0.0) -> int:
        """Remove the objects of a unit that its newest manifest does not name; gives their number.

        It is for units that nobody works on: a writer's objects are there before its manifest.

        Args:
            unit: whose.
            seconds: what was written within so many seconds stays.
        """
        # Listed before the manifest is read: what is named meanwhile is not taken for left.
        old = self.objects.older(unit, seconds)
        newest = self._manifest(unit, fresh=True)
        named = {manifest.key_of(unit, *item) for item in newest.files.items()}
        named.add(manifest.key_of_manifest(unit, newest.number))
        left = [key for key in old if key not in named]
        self.objects.remove(left)
        return len(left)

    def drop(self, unit: str, names: Sequence[str]) -> int:
        """Publish a unit without some of its files, and remove these; gives how many it named.

        It is for units that nobody works on.

        Args:
            unit: whose.
            names: of files, or patterns.
        """
        before = self._manifest(unit, fresh=True)
        files = {name: entry for name, entry in before.files.items() if not _matches(name, names)}
        if len(files) == len(before.files):
            return 0
        following = before.followed_by(files)
        if not self.objects.create(manifest.key_of_manifest(unit, following.number), following.to_bytes()):
            self._known.pop(unit, None)
            return 0
        self._remember(unit, following)
        self.prune(unit)
        return len(before.files) - len(files)

    def remove_old(self, unit: str, seconds: float) -> bool:
        """Remove a unit of which nothing was written within so many seconds; whether it went."""
        if set(self.objects.under(unit)) - set(self.objects.older(unit, seconds)):
            return False
        self.remove(unit)
        return True

    def _manifest(self, unit: str, fresh: bool = False) -> Manifest:
        known = self._known.get(unit)
        if known and not fresh and time.monotonic() - known[0] < self.seconds:
            return known[1]
        keys = self.objects.under(f"{unit}/{manifest.FOLDER}")
        if not keys:
            return self._remember(unit, Manifest())
        if known and known[1].number == manifest.number_of(keys[-1]):
            return self._remember(unit, known[1])
        content = self.objects.content(keys[-1])
        try:
            return self._remember(unit, Manifest.of(content) if content else Manifest())
        except ValueError as error:
            raise StorageError(f"The list {keys[-1]} cannot be read: {error}.") from error

    def _remember(self, unit: str, found: Manifest) -> Manifest:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[unit] = time.monotonic(), found
        return found

    def _is_old(self, unit: str) -> bool:
        known = self._known.get(unit)
        return known is None or time.monotonic() - known[0] >= self.seconds

    def _fetch(self, unit: str, files: Mapping[str, Entry]) -> None:
        place = self.folder / unit
        due = [(name, entry) for name, entry in files.items() if not cache.is_current(place / name, entry)]

        def fetch(item: tuple[str, Entry]) -> None:
            if not self.objects.get(manifest.key_of(unit, *item), place / item[0], item[1]):
                raise StorageError(f"{unit} lacks {item[0]}, which its list names.")

        _all(fetch, due)
        if due:
            self._make_room()

    def _make_room(self) -> None:
        """Trim a copy that is only read, not more often than `TRIM_SECONDS`."""
        if self.lately is not None and time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            self.trim(self.lately)

    def _entry(self, path: Path, known: Entry | None) -> Entry:
        return known if known and cache.is_current(path, known) else cache.entry_of(path)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _all(do: Callable[[Any], None], items: Sequence[Any]) -> None:
    """Do it for all, several at once; the first error ends it."""
    if not items:
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        for _ in pool.map(do, items):
            pass
