"""What the XML of a SAFE product says: MTD_MSIL1C.xml or MTD_MSIL2A.xml, MTD_TL.xml, manifest.safe.

Elements are found by their local names, since the namespaces change with the version of the product format.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

from pipeline.errors import SourceError

MOST_BYTES = 64 * 2**20
BAND_IDS = {"red": "3", "green": "2", "blue": "1", "nir": "7"}


@dataclass(frozen=True)
class ProductMetadata:
    """The product as a whole.

    Attributes:
        level: "L1C" or "L2A".
        baseline: processing baseline.
        datatake: satellite and start of the overpass, such as GS2A_20230815T095031.
        created: generation time, UTC.
        cloud_cover: percent.
        quantification: DN of reflectance 1.
        add_offsets: DN to be added to each band (red, green, blue, nir); empty where the product lists none.
        nodata: DN of empty pixels.
        images: paths of the image files below the product's folder, without their suffix.
    """

    level: str
    baseline: str
    datatake: str
    created: datetime
    cloud_cover: float
    quantification: float
    add_offsets: dict[str, float]
    nodata: int
    images: tuple[str, ...]


@dataclass(frozen=True)
class GranuleMetadata:
    """One granule.

    Attributes:
        epsg: code of its projection.
        sensed: sensing time, UTC.
        strip_start: start of its datastrip, UTC, or the sensing time.
        sun_azimuth, sun_elevation: means, degrees.
    """

    epsg: int
    sensed: datetime
    strip_start: datetime
    sun_azimuth: float
    sun_elevation: float


def read_product(path: Path) -> ProductMetadata:
    """Read MTD_MSIL1C.xml or MTD_MSIL2A.xml.

    Raises:
        SourceError: the file is missing, no XML, or lacks an element.
    """
    root = _root(path)
    level = _text(root, "PROCESSING_LEVEL", path).removeprefix("Level-")[:2]
    datatake = _find(root, "Datatake", path).get("datatakeIdentifier", "")
    if not datatake:
        raise SourceError(f"{path} names no datatake.")
    return ProductMetadata(
        level=f"L{level}",
        baseline=_text(root, "PROCESSING_BASELINE", path),
        datatake="_".join(datatake.split("_")[:2]),
        created=_time(root, "GENERATION_TIME", path),
        cloud_cover=_number(root, "Cloud_Coverage_Assessment", path),
        quantification=_number(
            root, "BOA_QUANTIFICATION_VALUE" if level == "2A" else "QUANTIFICATION_VALUE", path
        ),
        add_offsets=_add_offsets(root, "BOA_ADD_OFFSET" if level == "2A" else "RADIO_ADD_OFFSET", path),
        nodata=_nodata(root, path),
        images=tuple((node.text or "").strip() for node in _all(root, "IMAGE_FILE")),
    )


def read_granule(path: Path) -> GranuleMetadata:
    """Read MTD_TL.xml.

    Raises:
        SourceError: the file is missing, no XML, or lacks an element.
    """
    root = _root(path)
    sensed = _time(root, "SENSING_TIME", path)
    sun = _find(root, "Mean_Sun_Angle", path)
    code = _text(root, "HORIZONTAL_CS_CODE", path).upper().removeprefix("EPSG:")
    if not code.isdigit():
        raise SourceError(f"{path} gives its projection as {code!r}, which is no EPSG code.")
    strip = next((node.text or "" for node in _all(root, "DATASTRIP_ID")), "")
    return GranuleMetadata(
        epsg=int(code),
        sensed=sensed,
        strip_start=_strip_start(strip) or sensed,
        sun_azimuth=_number(sun, "AZIMUTH_ANGLE", path),
        sun_elevation=90 - _number(sun, "ZENITH_ANGLE", path),
    )


def read_checksums(path: Path) -> dict[str, str]:
    """The checksums that manifest.safe states ("algorithm:hex"), by path below the product's folder.

    They stand beside the file's place: as MD5 in older products, as SHA3-256 in newer ones.

    Raises:
        SourceError: the file is there and is no XML.
    """
    if not path.exists():
        return {}
    found = {}
    for stream in _all(_root(path), "byteStream"):
        place, checksum = (next(_all(stream, name), None) for name in ("fileLocation", "checksum"))
        if place is not None and checksum is not None:
            name, digest = checksum.get("checksumName", ""), (checksum.text or "").strip()
            found[place.get("href", "").removeprefix("./")] = f"{name}:{digest}"
    return found


def _root(path: Path) -> Element:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SourceError(
                f"{path} is larger than {MOST_BYTES // 2**20} MiB and cannot be product metadata."
            )
        return parse(path).getroot()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SourceError(f"{path} is no product metadata: {error}.") from error


def _all(root: Element, name: str) -> Iterator[Element]:
    return (node for node in root.iter() if isinstance(node.tag, str) and node.tag.rpartition("}")[2] == name)


def _find(root: Element, name: str, path: Path) -> Element:
    node = next(_all(root, name), None)
    if node is None:
        raise SourceError(f"{path} lacks the element {name}.")
    return node


def _text(root: Element, name: str, path: Path) -> str:
    text = (_find(root, name, path).text or "").strip()
    if not text:
        raise SourceError(f"The element {name} of {path} is empty.")
    return text


def _number(root: Element, name: str, path: Path) -> float:
    text = _text(root, name, path)
    try:
        return float(text)
    except ValueError as error:
        raise SourceError(f"The element {name} of {path} is {text!r}, which is no number.") from error


def _time(root: Element, name: str, path: Path) -> datetime:
    text = _text(root, name, path)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SourceError(f"The element {name} of {path} is {text!r}, which is no time.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _strip_start(datastrip: str) -> datetime | None:
    """Start of a datastrip from its id, such as S2A_OPER_MSI_..._20230815T155057_S20230815T095630_N05.09."""
    for part in datastrip.split("_"):
        if len(part) == 16 and part.startswith("S") and part[9] == "T":
            return datetime.strptime(part, "S%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return None


def _add_offsets(root: Element, name: str, path: Path) -> dict[str, float]:
    listed = {node.get("band_id"): node.text or "" for node in _all(root, name)}
    if not listed:
        return {}
    try:
        return {band: float(listed[number]) for band, number in BAND_IDS.items()}
    except (KeyError, ValueError) as error:
        raise SourceError(f"The offsets ({name}) of {path} lack a number for a band: {error}.") from error


def _nodata(root: Element, path: Path) -> int:
    for values in _all(root, "Special_Values"):
        if _text(values, "SPECIAL_VALUE_TEXT", path).upper() == "NODATA":
            return int(_number(values, "SPECIAL_VALUE_INDEX", path))
    raise SourceError(f"{path} does not say which value means no data.")
