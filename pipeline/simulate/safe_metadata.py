"""The XML of a SAFE product, in the elements and order of the product specification (PSD-14, PSD-15)."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from pipeline.grid import SIZE, Tile
from pipeline.simulate.plan import QUANTIFICATION, Acquisition
from pipeline.simulate.stac import datastrip

if TYPE_CHECKING:
    from pipeline.simulate.tile_season import Counts

_PHYSICAL_BANDS = 13
_XFDU = "urn:ccsds:schema:xfdu:1"


def product(tile: Tile, a: Acquisition, counts: Counts, images: list[str], ring: list[list[float]]) -> bytes:
    """MTD_MSIL2A.xml or MTD_MSIL1C.xml.

    Args:
        tile: the tile.
        a: the acquisition.
        counts: the scene's pixels by truth.
        images: paths of the images below the product, without suffix.
        ring: closed footprint, (longitude, latitude).
    """
    kind = "Level-2A" if a.level == "L2A" else "Level-1C"
    root = _root(a, f"{kind}_User_Product", f"User_Product_{kind}")
    general = SubElement(root, f"{{{_space(a, f'User_Product_{kind}')}}}General_Info")
    _product_info(SubElement(general, "Product_Info"), tile, a, kind, images)
    _characteristics(SubElement(general, "Product_Image_Characteristics"), a)
    geometric = SubElement(root, f"{{{_space(a, f'User_Product_{kind}')}}}Geometric_Info")
    footprint = SubElement(SubElement(geometric, "Product_Footprint"), "Product_Footprint")
    positions = " ".join(f"{latitude} {longitude}" for longitude, latitude in ring)
    _add(SubElement(footprint, "Global_Footprint"), "EXT_POS_LIST", positions)
    _add(SubElement(geometric, "Coordinate_Reference_System"), "GEO_TABLES", "EPSG", version="1")
    quality = SubElement(root, f"{{{_space(a, f'User_Product_{kind}')}}}Quality_Indicators_Info")
    _add(quality, "Cloud_Coverage_Assessment", f"{counts.percent('cloud'):.6f}")
    return _bytes(root)


def granule(tile: Tile, resolution: float, a: Acquisition, counts: Counts, sun: tuple[float, float]) -> bytes:
    """MTD_TL.xml.

    Args:
        tile: the tile.
        resolution: true pixel size of the 10 m images, metres.
        a: the acquisition.
        counts: the scene's pixels by truth.
        sun: azimuth and elevation, degrees.
    """
    kind = "Level-2A" if a.level == "L2A" else "Level-1C"
    space = _space(a, f"Tile_Metadata_{kind}")
    root = _root(a, f"{kind}_Tile_ID", f"Tile_Metadata_{kind}")
    general = SubElement(root, f"{{{space}}}General_Info")
    stem = datastrip(a).replace("_DS_", "_TL_").split("_S2")[0]
    _add(general, "TILE_ID", f"{stem}_A{a.absolute_orbit:06d}_T{tile.name}_N{a.baseline}")
    _add(general, "DATASTRIP_ID", datastrip(a))
    _add(general, "DOWNLINK_PRIORITY", "NOMINAL")
    _add(general, "SENSING_TIME", _time(a.sensed))
    geometric = SubElement(root, f"{{{space}}}Geometric_Info")
    _geocoding(SubElement(geometric, "Tile_Geocoding", metadataLevel="Brief"), tile, resolution)
    angle = SubElement(SubElement(geometric, "Tile_Angles", metadataLevel="Standard"), "Mean_Sun_Angle")
    _add(angle, "ZENITH_ANGLE", f"{90 - sun[1]:.6f}", unit="deg")
    _add(angle, "AZIMUTH_ANGLE", f"{sun[0]:.6f}", unit="deg")
    quality = SubElement(SubElement(root, f"{{{space}}}Quality_Indicators_Info"), "Image_Content_QI")
    _add(quality, "CLOUDY_PIXEL_PERCENTAGE", f"{counts.percent('cloud'):.6f}")
    _add(quality, "CLOUD_SHADOW_PERCENTAGE", f"{counts.percent('shadow'):.6f}")
    _add(quality, "NODATA_PIXEL_PERCENTAGE", f"{counts.percent('empty'):.6f}")
    return _bytes(root)


def manifest(folder: Path, files: list[Path]) -> bytes:
    """manifest.safe: every file of the product with its size and SHA3-256."""
    register_namespace("xfdu", _XFDU)
    root = Element(
        f"{{{_XFDU}}}XFDU", version="esa/safe/sentinel/1.1/sentinel-2/msi/archive_l2a_user_product"
    )
    section = SubElement(root, "dataObjectSection")
    for path in files:
        name = path.relative_to(folder).as_posix()
        entry = SubElement(section, "dataObject", ID=name.replace("/", "_"))
        stream = SubElement(entry, "byteStream", mimeType=_mime(path), size=str(path.stat().st_size))
        SubElement(stream, "fileLocation", locatorType="URL", href=f"./{name}")
        _add(stream, "checksum", hashlib.sha3_256(path.read_bytes()).hexdigest(), checksumName="SHA3-256")
    return _bytes(root)


def _product_info(info: Element, tile: Tile, a: Acquisition, kind: str, images: list[str]) -> None:
    _add(info, "PRODUCT_START_TIME", _time(a.start))
    _add(info, "PRODUCT_STOP_TIME", _time(a.start))
    _add(info, "PRODUCT_URI", f"{a.product(tile.name)}.SAFE")
    _add(info, "PROCESSING_LEVEL", "Level-2A" if a.level == "L2A" else "Level-1C")
    _add(info, "PRODUCT_TYPE", "S2MSI2A" if a.level == "L2A" else "S2MSI1C")
    _add(info, "PROCESSING_BASELINE", a.baseline)
    _add(info, "GENERATION_TIME", _time(a.processed))
    take = SubElement(info, "Datatake", datatakeIdentifier=a.datatake)
    _add(take, "SPACECRAFT_NAME", f"Sentinel-{a.spacecraft[1:]}")
    _add(take, "DATATAKE_TYPE", "INS-NOBS")
    _add(take, "DATATAKE_SENSING_START", _time(a.start))
    _add(take, "SENSING_ORBIT_NUMBER", str(a.relative_orbit))
    _add(take, "SENSING_ORBIT_DIRECTION", "DESCENDING")
    organisation = SubElement(SubElement(info, "Product_Organisation"), "Granule_List")
    identity = images[0].split("/")[1]
    entry = SubElement(
        organisation,
        "Granule",
        datastripIdentifier=datastrip(a),
        granuleIdentifier=identity,
        imageFormat="JPEG2000",
    )
    for image in images:
        _add(entry, "IMAGE_FILE", image)


def _characteristics(info: Element, a: Acquisition) -> None:
    for text, index in (("NODATA", "0"), ("SATURATED", "65535")):
        special = SubElement(info, "Special_Values")
        _add(special, "SPECIAL_VALUE_TEXT", text)
        _add(special, "SPECIAL_VALUE_INDEX", index)
    if a.level == "L2A":
        values = SubElement(info, "QUANTIFICATION_VALUES_LIST")
        _add(values, "BOA_QUANTIFICATION_VALUE", str(QUANTIFICATION), unit="none")
        names = ("BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET")
    else:
        _add(info, "QUANTIFICATION_VALUE", str(QUANTIFICATION), unit="none")
        names = ("Radiometric_Offset_List", "RADIO_ADD_OFFSET")
    if a.add_offset:
        offsets = SubElement(info, names[0])
        for band in range(_PHYSICAL_BANDS):
            _add(offsets, names[1], str(a.add_offset), band_id=str(band))


def _geocoding(info: Element, tile: Tile, resolution: float) -> None:
    _add(info, "HORIZONTAL_CS_NAME", f"WGS84 / UTM zone {tile.zone}{'S' if tile.south else 'N'}")
    _add(info, "HORIZONTAL_CS_CODE", f"EPSG:{tile.epsg}")
    size = SubElement(info, "Size", resolution="10")
    pixels = str(round(SIZE / resolution))
    _add(size, "NROWS", pixels)
    _add(size, "NCOLS", pixels)
    position = SubElement(info, "Geoposition", resolution="10")
    for name, value in (("ULX", tile.left), ("ULY", tile.top), ("XDIM", resolution), ("YDIM", -resolution)):
        _add(position, name, f"{value:g}" if name.endswith("DIM") else str(value))


def _space(a: Acquisition, schema: str) -> str:
    version = "14" if float(a.baseline) < 4 else "15"
    return f"https://psd-{version}.sentinel2.eo.esa.int/PSD/{schema}.xsd"


def _root(a: Acquisition, name: str, schema: str) -> Element:
    register_namespace("n1", _space(a, schema))
    return Element(f"{{{_space(a, schema)}}}{name}")


def _add(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.024Z")


def _mime(path: Path) -> str:
    return "text/xml" if path.suffix == ".xml" else "application/octet-stream"


def _bytes(root: Element) -> bytes:
    indent(root, "  ")
    return tostring(root, encoding="UTF-8", xml_declaration=True)
