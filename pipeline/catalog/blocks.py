"""A remote COG brought block by block into a local file of its own shape, empty where nothing was brought."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.catalog.download import extent_of, version_of
from pipeline.catalog.http import Http, plain
from pipeline.catalog.ranges import pieces, runs
from pipeline.catalog.soundness import unsound
from pipeline.catalog.tiff import Beyond, Index, NotByBlocks, Span, read_index
from pipeline.errors import SourceError, TransientSourceError
from pipeline.storage import read_json, require_permit, storage_error, write_bytes, write_json

START = 2**15


class Undecodable(TransientSourceError):
    """Blocks that came whole and cannot be decoded."""


@dataclass
class BlockFile:
    """What has come of one file: the header, and blocks at the places that they have in the file.

    The header counts when two answers agree on it; a block when it can be decoded, and has its checksum or,
    where its compression gives it none, came twice the same.

    Three files lie beside the target until it is whole: the bytes, what is known of the file (its length, its
    version and how long its header is), and a line for each block that came. A process that is killed leaves
    them, and the next goes on from there.

    Attributes:
        address: http(s), as the item has it.
        target: where the finished file goes; until then `path` can be opened to look at the header.
        http: the session.
    """

    address: str
    target: Path
    http: Http
    index: Index = field(init=False)
    length: int = field(init=False, default=0)
    version: str = field(init=False, default="")
    header: bytes = field(init=False, default=b"")
    came: set[tuple[int, int]] = field(init=False, default_factory=set)
    sound: set[tuple[int, int]] = field(init=False, default_factory=set)
    reached: int = field(init=False, default=0)

    @property
    def path(self) -> Path:
        """The bytes until they are whole; named so that it can be opened like the file."""
        return self.target.with_name(f".{self.target.stem}.part{self.target.suffix}")

    def open(self) -> None:
        """Bring the header, unless an earlier process did.

        Raises:
            NotByBlocks: it is no COG, or the server gives no ranges.
            TransientSourceError, SourceError, StorageError: as `download`.
        """
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            if not self._known():
                self.http.persist(self._open, lambda: 0)
        except OSError as error:
            raise storage_error(error, self.target) from error

    def bring(self, level: int, blocks: Sequence[int]) -> int:
        """Bring blocks of a level, verify each, and give the file its name.

        Args:
            level: 0 for the picture itself, 1 for its first overview.
            blocks: numbers, row by row.

        Returns:
            Bytes of the header and of these blocks.

        Raises:
            as `open`; SourceError also where blocks cannot be decoded, try after try.
        """
        shape = self.index.levels[level].blocks

        def step() -> None:
            self._fill(level, shape, blocks)
            self._verify(level, blocks)

        try:
            if not self.target.exists():
                self.http.persist(step, lambda: self._kept(level, blocks))
                self._finish(level, blocks)
        except Undecodable as error:
            raise SourceError(str(error)) from error
        except OSError as error:
            raise storage_error(error, self.target) from error
        return self.index.header + sum(last - first for first, last, _ in self.spans(level, blocks))

    def _kept(self, level: int, blocks: Collection[int]) -> int:
        """Bytes of blocks that came, and those that were verified once more."""
        kept = 0
        for first, last, block in self.spans(level, blocks):
            came = last if (level, block) in self.came else min(max(self.reached, first), last)
            kept += came - first + ((last - first) if (level, block) in self.sound else 0)
        return kept

    def spans(self, level: int, blocks: Collection[int]) -> list[Span]:
        """Where blocks lie in the file."""
        return self.index.levels[level].spans(blocks)

    def drop(self) -> None:
        """Forget what has come."""
        for path in (self.path, self._about, self._journal):
            path.unlink(missing_ok=True)
        self.came, self.sound, self.reached, self.length, self.version = set(), set(), 0, 0, ""

    def abandon(self) -> None:
        """Forget what has come, also a file that was made whole from blocks."""
        if self._about.exists():
            self.target.unlink(missing_ok=True)
        self.drop()

    @property
    def _about(self) -> Path:
        return self.target.with_name(f".{self.target.name}.json")

    @property
    def _journal(self) -> Path:
        return self.target.with_name(f".{self.target.name}.blocks")

    def _known(self) -> bool:
        """Whether header and blocks of an earlier process are there and can be used; they are taken up."""
        bytes_at = self.target if self.target.exists() else self.path
        if not self._about.exists() or not bytes_at.exists():
            return False
        about = read_json(self._about)
        self.length, self.version = about["length"], about["version"]
        self.header = bytes.fromhex(about["header"])
        self.index = read_index(self.header, self.length)
        if self._journal.exists():
            lines = self._journal.read_text().split("\n")[:-1]
            self.came = {(int(level), int(block)) for level, block in (line.split() for line in lines)}
        return True

    def _open(self) -> None:
        """Read the beginning until it holds the whole header, which a second answer has to repeat."""
        self.drop()
        wanted, start = START, b""
        while True:
            start += self._range(len(start), wanted)
            try:
                self.index = read_index(start, self.length)
                break
            except Beyond as beyond:
                wanted = min(max(2 * wanted, beyond.end), self.length)
            except NotByBlocks:
                self._repeat(start)
                raise
        self.header = start[: self.index.header]
        self._repeat(self.header)
        with self.path.open("wb") as file:
            file.write(self.header)
            file.truncate(self.length)
        about = {"length": self.length, "version": self.version, "header": self.header.hex()}
        write_json(self._about, about)

    def _repeat(self, start: bytes) -> None:
        """Ask for the beginning once more: places, grid and tags of a COG have no checksum.

        Raises:
            TransientSourceError: it differs.
        """
        if self._range(0, len(start)) != start:
            raise TransientSourceError(f"{plain(self.address)} sent other bytes before.")

    def _range(self, first: int, end: int) -> bytes:
        """The bytes from `first` up to `end`, or up to the end of the file where that comes first."""
        content = b"".join(chunk for _, chunk in self._stream(first, end))
        if len(content) < min(end, self.length) - first:
            raise TransientSourceError(f"{plain(self.address)} sent {len(content)} bytes of {end - first}.")
        return content

    def _stream(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Place and content of a range as it comes; the first answer tells the file's length and version."""
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={first}-{end - 1}"}
        if self.version:
            headers["If-Range"] = self.version
        with self.http.answer(self.http.signed(self.address), headers=headers) as answer:
            start, length = extent_of(answer)
            if answer.status_code != 206 or length is None:
                self.drop()
                if first == 0:
                    raise NotByBlocks(f"{plain(self.address)} is not served by ranges.")
                raise TransientSourceError(f"{plain(self.address)} has changed while it was fetched.")
            if self.length not in (0, length):
                self.drop()
                raise TransientSourceError(f"{plain(self.address)} was said to have another length before.")
            if start != first:
                raise TransientSourceError(f"{plain(self.address)} sent another range than was asked for.")
            self.length, self.version = length, version_of(answer)
            for chunk in self.http.chunks(answer):
                chunk = chunk[: end - start]
                yield start, chunk
                start += len(chunk)

    def _fill(self, level: int, shape: tuple[int, int], blocks: Collection[int]) -> None:
        """Bring what is missing of blocks in as few requests as their places allow."""
        if not self._about.exists():
            self._open()
        if level >= len(self.index.levels) or self.index.levels[level].blocks != shape:
            raise SourceError(f"{plain(self.address)} has changed while it was fetched.")
        missing = [block for block in blocks if (level, block) not in self.came]
        for run in runs(self.spans(level, missing)):
            self._bring_run(level, run)
        self.came |= {(level, block) for block in missing}

    def _bring_run(self, level: int, run: list[Span]) -> None:
        """Bring blocks that lie side by side, noting each when it is whole; goes on inside a block."""
        first, end = run[0][0], run[-1][1]
        if first < self.reached < run[0][1]:
            first = self.reached
        left = list(run)
        with self.path.open("r+b") as file, self._journal.open("a") as journal:
            for place, chunk in self._stream(first, end):
                for _, at, piece in pieces(run, place, chunk):
                    file.seek(at)
                    file.write(piece)
                self.reached = place + len(chunk)
                while left and left[0][1] <= self.reached:
                    file.flush()
                    journal.write(f"{level} {left[0][2]}\n")
                    journal.flush()
                    self.came.add((level, left.pop(0)[2]))
        if left:
            sent = self.reached - first
            raise TransientSourceError(f"{plain(self.address)} sent {sent} bytes of {end - first}.")

    def _verify(self, level: int, blocks: Collection[int]) -> None:
        """Forget blocks that are broken; those without a checksum have to come a second time as they are.

        Raises:
            TransientSourceError: some are broken, or the second answer differs.
        """
        new = [block for block in blocks if (level, block) not in self.sound]
        broken = {(level, block) for block in unsound(self.path, self.index.levels[level], level, new)}
        if broken:
            self.came -= broken
            self.reached = 0
            lines = "".join(f"{at} {block}\n" for at, block in sorted(self.came))
            write_bytes(self._journal, lines.encode())
            raise Undecodable(f"{plain(self.address)} sent {len(broken)} blocks that cannot be decoded.")
        if not self.index.levels[level].has_checksums:
            for run in runs(self.spans(level, new)):
                self._compare(level, run)
        self.sound |= {(level, block) for block in new}

    def _compare(self, level: int, run: list[Span]) -> None:
        """Hold blocks against a second answer; where it differs it stays, to be held against a third.

        Raises:
            TransientSourceError: some differ, or the answer breaks off.
        """
        reached, differ = run[0][0], set()
        with self.path.open("r+b") as file:
            for place, chunk in self._stream(run[0][0], run[-1][1]):
                for block, at, piece in pieces(run, place, chunk):
                    file.seek(at)
                    if file.read(len(piece)) != piece:
                        differ.add(block)
                        file.seek(at)
                        file.write(piece)
                reached = place + len(chunk)
                self.sound |= {
                    (level, block) for _, last, block in run if last <= reached and block not in differ
                }
        if differ or reached < run[-1][1]:
            raise TransientSourceError(f"{plain(self.address)} sent other bytes before, or broke off.")

    def _finish(self, level: int, blocks: Collection[int]) -> None:
        """Mark in the header what has not come as never written, and give the file its name."""
        with self.path.open("r+b") as file:
            file.write(self.index.without(self.header, {level: blocks}))
            file.flush()
            os.fsync(file.fileno())
        require_permit()
        self.path.replace(self.target)
