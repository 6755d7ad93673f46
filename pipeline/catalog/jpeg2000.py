"""Whether a JPEG 2000 file is whole, told from its structure without decoding (ISO/IEC 15444-1, A and I)."""

from pathlib import Path
from typing import BinaryIO

from pipeline.errors import SourceError

CODESTREAM = b"jp2c"
START, TILE_PART, END = b"\xff\x4f", b"\xff\x90", b"\xff\xd9"


def require_whole(path: Path, what: str) -> None:
    """Walk from tile part to tile part up to the marker that ends the image.

    GDAL decodes blocks in threads whose errors it does not hand on, so that the lost blocks of a file that
    broke off would be taken for ground without data.

    Args:
        path: a local .jp2 or .j2k file.
        what: it is, for the sentence.

    Raises:
        SourceError: the file is no JPEG 2000 file or ends too early.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            whole = _walk(file, _codestream(file, size), size)
    except OSError as error:
        raise SourceError(f"The {what} cannot be read: {path}: {error.strerror}.") from error
    if not whole:
        raise SourceError(f"The {what} is broken off: {path} ends after {size} bytes, within its image.")


def _codestream(file: BinaryIO, size: int) -> int:
    """Where the image itself begins: boxes of length, type and content lie before it."""
    place = 0
    file.seek(0)
    if file.read(2) == START:
        return 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind == CODESTREAM:
            return place + (16 if length == 1 else 8)
        length = int.from_bytes(head[8:16], "big") if length == 1 else length
        if length < 8:
            break
        place += length
    return size


def _walk(file: BinaryIO, place: int, size: int) -> bool:
    """Whether the main header, all tile parts and the end marker lie inside the file."""
    file.seek(place)
    if file.read(2) != START:
        return False
    place += 2
    while place + 2 <= size:
        file.seek(place)
        marker, content = file.read(2), file.read(10)
        if marker == END:
            return True
        length = int.from_bytes(content[:2], "big")
        if marker == TILE_PART:
            part = int.from_bytes(content[4:8], "big")
            if part == 0:
                return _ends(file, size)
            place += part
        elif marker[:1] == b"\xff" and length >= 2:
            place += 2 + length
        else:
            return False
    return False


def _ends(file: BinaryIO, size: int) -> bool:
    """Whether the file ends with the end marker; a last tile part may leave its length to that."""
    file.seek(max(size - 2, 0))
    return file.read(2) == END
