"""The list of a unit's files, which makes a publication: what it does not name is not there."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

FOLDER = ".manifests"
HASH_IN_KEY = 32


class Entry(NamedTuple):
    """A file of a unit: bytes, and their SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a unit holds.

    Attributes:
        number: counts the publications of the unit, from 1; 0 = never published.
        files: by their path in the unit.
        writer: tells this publication from another that was tried at the same time.
    """

    number: int = 0
    files: Mapping[str, Entry] = field(default_factory=dict)
    writer: str = ""

    def followed_by(self, files: Mapping[str, Entry]) -> "Manifest":
        """The next publication."""
        return Manifest(self.number + 1, dict(files), secrets.token_hex(8))

    def to_bytes(self) -> bytes:
        """As it is stored."""
        files = {name: entry._asdict() for name, entry in sorted(self.files.items())}
        content = {"number": self.number, "writer": self.writer, "files": files}
        return (json.dumps(content, indent=1) + "\n").encode()

    @classmethod
    def of(cls, content: bytes) -> "Manifest":
        """Read what `to_bytes` gave.

        Raises:
            ValueError: it is none.
        """
        try:
            found: dict[str, Any] = json.loads(content)
            files = {name: Entry(one["size"], one["sha256"]) for name, one in found["files"].items()}
            return cls(found["number"], files, found["writer"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"no manifest: {error}") from error


def key_of_manifest(unit: str, number: int) -> str:
    """Where a manifest lies; keys sort as the numbers do."""
    return f"{unit}/{FOLDER}/{number:08d}.json"


def number_of(key: str) -> int:
    """The number of a manifest's key."""
    return int(PurePosixPath(key).stem)


def key_of(unit: str, name: str, entry: Entry) -> str:
    """Where a file of a unit lies: its name with its hash, so that nothing ever changes under a key."""
    path = PurePosixPath(unit, name)
    return str(path.with_name(f"{path.stem}.{entry.sha256[:HASH_IN_KEY]}{path.suffix}"))
