"""The checksums that items state for their files: multihashes, or "algorithm:hex"."""

import hashlib
import logging
from pathlib import Path

MULTIHASHES = {0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x14: "sha3_512", 0x16: "sha3_256", 0xD5: "md5"}

log = logging.getLogger(__name__)


def matches(path: Path, checksum: str) -> bool:
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
