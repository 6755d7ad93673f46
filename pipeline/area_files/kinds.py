"""Which kind of area file some bytes are, by content alone; archives are unpacked within limits."""

import io
import zipfile
from pathlib import PurePosixPath

from pipeline.area_files.found import FIELD, Limits
from pipeline.errors import UsageError
from pipeline.words import sentence

MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
# The parts of a Shapefile that an outline needs: attributes are never read.
SHAPE_PARTS = (".shp", ".shx", ".prj")
BLOCK = 2**16


def kind_of(content: bytes, limits: Limits) -> tuple[str, dict[str, bytes]]:
    """The kind of a file and its parts.

    Returns:
        "geojson", "kml", "gpkg" or "shapefile", and contents by name of ours ("area.shp", "area.prj", ...).

    Raises:
        UsageError: nothing, too much, or of another kind.
    """
    if not content:
        raise UsageError(sentence("The file is empty."), FIELD)
    if len(content) > limits.most_bytes:
        raise too_large(len(content), limits)
    if content.startswith(b"SQLite format 3\0"):
        return "gpkg", {"area.gpkg": content}
    if content.startswith(b"PK"):
        return _unpacked(content, limits)
    if content.startswith(b"\x00\x00\x27\x0a"):
        raise UsageError(
            sentence("A Shapefile has several parts: upload them (.shp, .shx, .prj) as one .zip."), FIELD
        )
    start = text_of(content)[:4096].lstrip()
    if start.startswith(("{", "[")):
        return "geojson", {"area.geojson": content}
    if start.startswith("<"):
        if "<OGRVRT" in start:
            raise UsageError(
                sentence(
                    "The file is a virtual file (VRT) that points elsewhere: GeoJSON, zipped Shapefile, "
                    "KML, KMZ and GeoPackage are taken."
                ),
                FIELD,
            )
        return "kml", {"area.kml": content}
    raise UsageError(
        sentence(
            "The file is of no kind that is known: GeoJSON, zipped Shapefile, KML, KMZ and "
            "GeoPackage are taken; GeoJSON begins as JSON does."
        ),
        FIELD,
    )


def too_large(size: int, limits: Limits) -> UsageError:
    """The refusal of a file of so many bytes."""
    told = sentence(
        "The file has %(size)s MiB; up to %(most)s MiB are taken.",
        size=f"{size / 2**20:.1f}",
        most=f"{limits.most_bytes / 2**20:g}",
    )
    return UsageError(told, FIELD)


def text_of(content: bytes) -> str:
    """Text by its byte order mark, UTF-8 without one.

    Raises:
        UsageError: it is in another encoding, or no text.
    """
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            sentence(
                "The file cannot be read: byte %(byte)s is not %(encoding)s. GeoJSON, zipped Shapefile, KML, "
                "KMZ and GeoPackage are taken; save text as UTF-8.",
                byte=f"{error.start:,}",
                encoding=encoding.upper()[:6].rstrip("-"),
            ),
            FIELD,
        ) from error
    if "\0" in text:
        raise UsageError(
            sentence("The file is no text: GeoJSON, zipped Shapefile, KML, KMZ and GeoPackage are taken."),
            FIELD,
        )
    return text


def _unpacked(content: bytes, limits: Limits) -> tuple[str, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_members(members, limits)
            return _chosen(archive, members, limits)
    # All that `zipfile` is known to raise on bytes that strangers send, besides a wrong password.
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
        told = sentence("The archive is damaged or packed in an unknown way: %(reason)s.", reason=str(error))
        raise UsageError(told, FIELD) from error
    except RuntimeError as error:
        raise UsageError(sentence("The archive is locked with a password."), FIELD) from error


def _check_members(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.most_members:
        told = sentence(
            "The archive has %(count)s files; up to %(most)s are taken.",
            count=f"{len(members):,}",
            most=limits.most_members,
        )
        raise UsageError(told, FIELD)
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise UsageError(
                sentence(
                    "The archive has a file that would lie outside of it: %(name)r.",
                    name=member.filename[:80],
                ),
                FIELD,
            )
    declared = sum(member.file_size for member in members)
    if declared > limits.most_unpacked:
        raise _too_much(limits)


def _chosen(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits
) -> tuple[str, dict[str, bytes]]:
    """The one Shapefile or KML of an archive, under names of ours."""
    named = [member for member in members if not member.filename.startswith("__MACOSX/")]
    outlines = [member for member in named if member.filename.lower().endswith((".shp", ".kml"))]
    # In a KMZ of several files, doc.kml is the one that counts.
    main = [member for member in outlines if member.filename.lower().endswith("doc.kml")]
    outlines = main[:1] or outlines
    if not outlines:
        raise UsageError(
            sentence("The archive holds neither a .shp nor a .kml: zip the parts of a Shapefile."), FIELD
        )
    if len(outlines) > 1:
        names = ", ".join(member.filename[:40] for member in outlines[:4])
        raise UsageError(
            sentence(
                "The archive holds %(count)s areas (%(names)s): upload one.", count=len(outlines), names=names
            ),
            FIELD,
        )
    chosen = outlines[0]
    if chosen.filename.lower().endswith(".kml"):
        return "kml", {"area.kml": _read(archive, chosen, limits.most_unpacked, limits)}
    stem = chosen.filename[:-4].lower()
    parts: dict[str, bytes] = {}
    for member in named:
        name = member.filename.lower()
        if name[:-4] == stem and name[-4:] in SHAPE_PARTS:
            left = limits.most_unpacked - sum(map(len, parts.values()))
            parts["area" + name[-4:]] = _read(archive, member, left, limits)
    return "shapefile", parts


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, limits: Limits) -> bytes:
    """A member's bytes, counted while they are unpacked: what the archive says of its size may be a lie."""
    blocks, size = [], 0
    with archive.open(member) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size > most:
                raise _too_much(limits)
            blocks.append(block)
    return b"".join(blocks)


def _too_much(limits: Limits) -> UsageError:
    most = limits.most_unpacked / 2**20
    return UsageError(
        sentence("The archive holds more than %(most)s MiB once unpacked.", most=f"{most:g}"), FIELD
    )
