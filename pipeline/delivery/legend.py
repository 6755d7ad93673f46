"""The legend of the landcover for other programs: QGIS (QML), OGC SLD 1.0, and a table of colours."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.landcover.classes import CLASSES
from pipeline.storage import write_bytes

SLD = "http://www.opengis.net/sld"


def write_legends(folder: Path) -> list[Path]:
    """Write landcover.qml, landcover.sld and landcover.clr (code, red, green, blue, opacity, name)."""
    content = {"landcover.qml": qml(), "landcover.sld": sld(), "landcover.clr": colours().encode()}
    for name, text in content.items():
        write_bytes(folder / name, text)
    return [folder / name for name in content]


def qml() -> bytes:
    """A style of QGIS for the landcover raster."""
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"), "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1"
    )
    palette = ET.SubElement(renderer, "colorPalette")
    for item in CLASSES:
        entry = {"value": str(item.code), "color": item.colour, "label": item.name, "alpha": "255"}
        ET.SubElement(palette, "paletteEntry", entry)
    return b"<!DOCTYPE qgis>\n" + _text(root)


def sld() -> bytes:
    """A style that map servers read."""
    ET.register_namespace("", SLD)
    root = ET.Element(f"{{{SLD}}}StyledLayerDescriptor", version="1.0.0")
    layer = ET.SubElement(root, f"{{{SLD}}}NamedLayer")
    ET.SubElement(layer, f"{{{SLD}}}Name").text = "landcover"
    place = layer
    for name in ("UserStyle", "FeatureTypeStyle", "Rule", "RasterSymbolizer"):
        place = ET.SubElement(place, f"{{{SLD}}}{name}")
    colour_map = ET.SubElement(place, f"{{{SLD}}}ColorMap", type="values")
    for item in CLASSES:
        entry = {"quantity": str(item.code), "color": item.colour, "label": item.name}
        ET.SubElement(colour_map, f"{{{SLD}}}ColorMapEntry", entry)
    return _text(root)


def colours() -> str:
    """A table of colours, one class a line."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for item in CLASSES:
        yield " ".join(map(str, (item.code, *item.rgba, item.name)))


def _text(root: ET.Element) -> bytes:
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8") + b"\n"
