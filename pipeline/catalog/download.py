"""Bands brought to disk: resumed, retried with back-off, checked, and under their name only when whole."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests

from pipeline.catalog.cache import Cache
from pipeline.catalog.checksums import can_check, matches
from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http, plain
from pipeline.catalog.scene import Asset, Scene
from pipeline.errors import SourceError, TransientSourceError
from pipeline.storage import require_permit, storage_error

RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@dataclass(frozen=True)
class Brought:
    """A scene whose bands lie on disk, and what that took.

    Attributes:
        scene: with local bands.
        fetched: bytes that came over the network and are used.
        weight: bytes that the files of its remote bands have.
        share: the share of their blocks that came, 0..1.
    """

    scene: Scene
    fetched: int
    weight: int
    share: float = 1.0


def download(scene: Scene, folder: Path, http: Http | None = None) -> Scene:
    """The scene with its bands on disk, under FOLDER/ID/BAND.EXTENSION; local bands are left where they are.

    Those whose checksum is stated, by the item or by manifest.safe, are held against it, local ones too.

    Args:
        scene: the scene; its parts are brought too.
        folder: where to; what an interrupted download left there is continued.
        http: the session to use.

    Raises:
        TransientSourceError: the server failed more often than we try.
        SourceError: the server refuses, or what it sends has not the checksum that the item states;
            or a local band has not.
        StorageError: the disk is full or the folder cannot be written.
    """
    return bring(scene, folder, http).scene


def bring(scene: Scene, folder: Path, http: Http | None = None, cache: Cache | None = None) -> Brought:
    """As `download`, with what it took; whole files come from the cache where it has them."""
    session = http or Http()
    parts = [_part(part, Path(folder), session, cache) for part in scene.parts or (scene,)]
    return joined(scene, parts)


def is_answered(scene: Scene, http: Http | None = None) -> bool:
    """Whether the source of a scene gives the first byte of a band now, asked once; local bands count."""
    session = http or Http(tries=1)
    part = (scene.parts or (scene,))[0]
    asset = next(iter(part.assets.values()))
    if not is_remote(asset.href):
        return Path(asset.href).exists()
    try:
        with session.answer(session.signed(asset.href), headers={"Range": "bytes=0-0"}):
            return True
    except SourceError:
        return False


def joined(scene: Scene, parts: Sequence[Brought]) -> Brought:
    """What the parts of a scene (itself where it has none) come to."""
    local = parts[0].scene
    if scene.parts:
        local = replace(scene, assets=local.assets, parts=tuple(part.scene for part in parts))
    fetched, weight = (sum(getattr(part, name) for part in parts) for name in ("fetched", "weight"))
    return Brought(local, fetched, weight, sum(part.share for part in parts) / len(parts))


def _part(scene: Scene, folder: Path, http: Http, cache: Cache | None) -> Brought:
    assets, sizes, fetched = {}, 0, 0
    for band, asset in scene.assets.items():
        if is_remote(asset.href):
            target = target_of(folder / scene.id, band, asset)
            fetched += fetch(asset.href, target, asset.checksum, http, cache)
            sizes += target.stat().st_size
            asset = replace(asset, href=str(target))
        elif asset.checksum:
            _require_as_stated(scene, band, asset.href, asset.checksum)
        assets[band] = asset
    return Brought(replace(scene, assets=assets), fetched, sizes)


def _require_as_stated(scene: Scene, band: str, path: str, checksum: str) -> None:
    what = f"The {band} band of scene {scene.id}"
    try:
        if not matches(Path(path), checksum):
            raise SourceError(
                f"{what} has not the checksum that its product states: {path} was changed or broken."
            )
    except OSError as error:
        raise SourceError(f"{what} cannot be read: {path}: {error.strerror}.") from error


def target_of(folder: Path, band: str, asset: Asset) -> Path:
    """Where a remote band will lie: the band's name with the ending of its address."""
    suffix = PurePosixPath(urlsplit(asset.href).path).suffix.lower()
    return folder / (band + (suffix if re.fullmatch(r"\.\w{1,5}", suffix) else ""))


def fetch(
    address: str,
    target: Path,
    checksum: str | None = None,
    http: Http | None = None,
    cache: Cache | None = None,
) -> int:
    """Bring one file; a file that is there already is whole and left alone.

    The cache is used for files with a checksum only.

    Returns:
        The bytes of the file that came over the network: all, or none where the cache had it.

    Raises:
        as `download`.
    """
    session, target = http or Http(), Path(target)
    partial = Partial(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            # A cached file serves builds to come, so that one which nothing was held against is not kept.
            kept = cache if can_check(checksum) else None
            if kept and checksum and _given(kept, checksum, target):
                partial.drop()
                partial.cached_path.touch()
            else:
                _load(partial, address, checksum, session)
                if kept and checksum:
                    kept.keep(_key(checksum), target)
        return 0 if partial.cached_path.exists() else target.stat().st_size
    except OSError as error:
        raise storage_error(error, target) from error


def _given(cache: Cache, checksum: str, target: Path) -> bool:
    """Whether the cache gave the file; one that has not the checksum is removed there and here."""
    if not cache.give(_key(checksum), target):
        return False
    if not matches(target, checksum):
        cache.drop(_key(checksum))
        target.unlink()
        return False
    return True


def _key(checksum: str) -> str:
    return f"checksum {checksum.lower()}"


def _load(partial: "Partial", address: str, checksum: str | None, http: Http) -> None:
    def step() -> None:
        partial.fill(http, http.signed(address))
        partial.verify(checksum, address)

    http.persist(step, lambda: partial.size)
    partial.finish()


@dataclass
class Partial:
    """What has come so far of a file, beside its place, and the tag of the version that it is of."""

    target: Path

    @property
    def path(self) -> Path:
        """Where the bytes lie."""
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def tag_path(self) -> Path:
        """Where the version's tag (ETag or Last-Modified) lies."""
        return self.target.with_name(f".{self.target.name}.tag")

    @property
    def cached_path(self) -> Path:
        """A mark that the file did not come over the network."""
        return self.target.with_name(f".{self.target.name}.cached")

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def fill(self, http: Http, address: str) -> None:
        """Ask for what is missing and append it.

        Raises:
            TransientSourceError: it broke off, or fewer or more bytes came than were told.
        """
        with http.answer(address, headers=self._headers()) as answer:
            start, total = extent_of(answer)
            if answer.status_code == 416:
                if total != self.size:
                    self.drop()
                    raise TransientSourceError(f"{plain(address)} has changed while it was fetched.")
                return
            if start not in (0, self.size):
                raise TransientSourceError(f"{plain(address)} sent another range than was asked for.")
            if start != self.size:
                self.drop()
            self._append(http, answer)
        if total is not None and self.size != total:
            size = self.size
            if size > total:
                self.drop()
            raise TransientSourceError(f"{plain(address)} sent {size} bytes of {total}.")

    def verify(self, checksum: str | None, address: str) -> None:
        """Compare with the checksum that the item states; what differs is thrown away.

        Raises:
            TransientSourceError: it differs.
        """
        if checksum and not matches(self.path, checksum):
            self.drop()
            raise TransientSourceError(f"{plain(address)} has not the checksum that its item states.")

    def finish(self) -> None:
        """Give the file its name."""
        with self.path.open("rb") as written:
            os.fsync(written.fileno())
        require_permit()
        self.path.replace(self.target)
        self.tag_path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self.tag_path.unlink(missing_ok=True)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.tag_path.exists():
                headers["If-Range"] = self.tag_path.read_text()
        return headers

    def _append(self, http: Http, answer: requests.Response) -> None:
        tag = version_of(answer)
        if tag:
            self.tag_path.write_text(tag)
        with self.path.open("ab") as file:
            for chunk in http.chunks(answer):
                file.write(chunk)


def version_of(answer: requests.Response) -> str:
    """What tells one version of a file from another (strong ETag, else Last-Modified), "" without."""
    tag = answer.headers.get("ETag", "")
    return answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def extent_of(answer: requests.Response) -> tuple[int, int | None]:
    """Where the answer's bytes start, and how long the whole file is where that is told."""
    match = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status_code in (206, 416) and match:
        return int(match[1] or 0), int(match[3])
    if answer.status_code == 206:
        raise SourceError(f"{plain(answer.url)} sent a part without saying which.")
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() and answer.status_code == 200 else None
