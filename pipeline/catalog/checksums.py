"""The checksums that items state for their files: multihashes, or "algorithm:hex"."""

import hashlib
import logging
import re
from pathlib import Path

MULTIHASHES = {0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x14: "sha3_512", 0x16: "sha3_256", 0xD5: "md5"}
# Products write "SHA3-256" or "MD5"; the SHAKE family has no digest of one length.
NAMES = {
    name.replace("_", ""): name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")
}
SHORTEST = 16

log = logging.getLogger(__name__)


def can_check(checksum: str | None) -> bool:
    """Whether a checksum is stated, and of a kind that a file can be held against."""
    return bool(checksum and _parsed(checksum)[0])


def matches(path: Path, checksum: str) -> bool:
    """Whether a file has a checksum (multihash in hex, or "algorithm:hex"); unknown kinds are not checked."""
    name, digest = _parsed(checksum)
    if not name:
        log.warning("The checksum %s of %s is of an unknown kind and was not checked", checksum, path.name)
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest().startswith(digest)


def _parsed(checksum: str) -> tuple[str, str]:
    """Algorithm and digest (lower-case hex, at least `SHORTEST` bytes); "" and "" where not known."""
    name, _, digest = checksum.rpartition(":")
    if not name:
        name, digest = _multihash(checksum)
    name = NAMES.get(re.sub(r"[-_ ]", "", name.lower()), "")
    long_enough = len(digest) >= 2 * SHORTEST and re.fullmatch(r"[0-9a-f]+", digest.lower())
    return (name, digest.lower()) if name and long_enough else ("", "")


def _multihash(text: str) -> tuple[str, str]:
    """Algorithm and digest of a multihash: code and length as varints, then the digest."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return "", ""
    code, rest = _varint(octets)
    length, digest = _varint(rest)
    return (
        (MULTIHASHES.get(code, ""), digest.hex())
        if length == len(digest) and length >= SHORTEST
        else ("", "")
    )


def _varint(octets: bytes) -> tuple[int, bytes]:
    value = 0
    for place, octet in enumerate(octets[:9]):
        value |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            return value, octets[place + 1 :]
    return -1, b""
