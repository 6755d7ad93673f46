"""Bands brought to disk: resumed, retried with back-off, checked, and under their name only when whole."""

import hashlib
import logging
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests

from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http, plain
from pipeline.catalog.scene import Asset, Scene
from pipeline.errors import SourceError, TransientSourceError
from pipeline.storage import storage_error

CHUNK = 2**16
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
MULTIHASHES = {0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x14: "sha3_512", 0x16: "sha3_256", 0xD5: "md5"}

log = logging.getLogger(__name__)


def download(scene: Scene, folder: Path, http: Http | None = None) -> Scene:
    """The scene with its bands on disk, under FOLDER/ID/BAND.EXTENSION; local bands are left where they are.

    Args:
        scene: the scene; its parts are brought too.
        folder: where to; what an interrupted download left there is continued.
        http: the session to use.

    Raises:
        TransientSourceError: the server failed more often than we try.
        SourceError: the server refuses, or what it sends has not the checksum that the item states.
        StorageError: the disk is full or the folder cannot be written.
    """
    session = http or Http()
    if scene.parts:
        parts = tuple(download(part, folder, session) for part in scene.parts)
        return replace(scene, assets=parts[0].assets, parts=parts)
    assets = {
        band: _local(asset, Path(folder) / scene.id / band, session) for band, asset in scene.assets.items()
    }
    return replace(scene, assets=assets)


def _local(asset: Asset, stem: Path, http: Http) -> Asset:
    if not is_remote(asset.href):
        return asset
    suffix = PurePosixPath(urlsplit(asset.href).path).suffix.lower()
    target = stem.with_name(stem.name + (suffix if re.fullmatch(r"\.\w{1,5}", suffix) else ""))
    fetch(asset.href, target, asset.checksum, http)
    return replace(asset, href=str(target))


def fetch(address: str, target: Path, checksum: str | None = None, http: Http | None = None) -> None:
    """Bring one file; a file that is there already is whole and left alone.

    Tries that bring bytes start the count of tries anew.

    Raises:
        as `download`.
    """
    if target.exists():
        return
    session = http or Http()
    partial = Partial(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        failures = 0
        while True:
            before = partial.size
            try:
                partial.fill(session, session.signed(address))
                partial.verify(checksum, address)
                break
            except TransientSourceError as error:
                failures = 0 if partial.size > before else failures
                session.wait(failures, error)
                failures += 1
        partial.finish()
    except OSError as error:
        raise storage_error(error, target) from error


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
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def fill(self, http: Http, address: str) -> None:
        """Ask for what is missing and append it.

        Raises:
            TransientSourceError: it broke off, or fewer or more bytes came than were told.
        """
        with http.answer(address, headers=self._headers()) as answer:
            start, total = _extent(answer)
            if answer.status_code == 416:
                if total != self.size:
                    self.drop()
                    raise TransientSourceError(f"{plain(address)} has changed while it was fetched.")
                return
            if start != self.size:
                self.drop()
            if start not in (0, self.size):
                raise TransientSourceError(f"{plain(address)} sent another range than was asked for.")
            self._append(answer)
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
        if checksum and not _matches(self.path, checksum):
            self.drop()
            raise TransientSourceError(f"{plain(address)} has not the checksum that its item states.")

    def finish(self) -> None:
        """Give the file its name."""
        with self.path.open("rb") as written:
            os.fsync(written.fileno())
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

    def _append(self, answer: requests.Response) -> None:
        tag = answer.headers.get("ETag", "")
        tag = answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
        if tag:
            self.tag_path.write_text(tag)
        with self.path.open("ab") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)


def _extent(answer: requests.Response) -> tuple[int, int | None]:
    """Where the answer's bytes start, and how long the whole file is where that is told."""
    match = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status_code in (206, 416) and match:
        return int(match[1] or 0), int(match[3])
    if answer.status_code == 206:
        raise SourceError(f"{plain(answer.url)} sent a part without saying which.")
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() and answer.status_code == 200 else None


def _matches(path: Path, checksum: str) -> bool:
    """Whether a file has a checksum (multihash in hex, or "algorithm:hex"); unknown kinds are not checked."""
    name, _, digest = checksum.rpartition(":")
    if not name:
        name, digest = _multihash(checksum)
    if name not in hashlib.algorithms_available or not digest:
        log.warning("The checksum %s of %s is of an unknown kind and was not checked", checksum, path.name)
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest().startswith(digest.lower())


def _multihash(text: str) -> tuple[str, str]:
    """Algorithm and digest of a multihash: code and length as varints, then the digest."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return "", ""
    code, rest = _varint(octets)
    length, digest = _varint(rest)
    return (MULTIHASHES.get(code, ""), digest.hex()) if length == len(digest) and length >= 16 else ("", "")


def _varint(octets: bytes) -> tuple[int, bytes]:
    value = 0
    for place, octet in enumerate(octets[:9]):
        value |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            return value, octets[place + 1 :]
    return -1, b""
