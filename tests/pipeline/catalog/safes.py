"""Tiny SAFE products, with the folders, names and metadata elements of the real ones."""

import hashlib
from pathlib import Path

import numpy as np

from pipeline.grid import Tile
from pipeline.raster import BANDS
from tests.pipeline.catalog.making import NAMES, write_band

PRODUCT = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level}.xsd">
 <n1:General_Info>
  <Product_Info>
   <PRODUCT_URI>{name}.SAFE</PRODUCT_URI>
   <PROCESSING_LEVEL>Level-{level}{suffix}</PROCESSING_LEVEL>
   <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
   <GENERATION_TIME>{created}</GENERATION_TIME>
   <Datatake datatakeIdentifier="GS2A_{day}T095031_042547_N{baseline}"/>
   <Product_Organisation><Granule_List><Granule>{images}</Granule></Granule_List></Product_Organisation>
  </Product_Info>
  <Product_Image_Characteristics>
   <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
    <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
   <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
    <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
   {quantification}
   {offsets}
  </Product_Image_Characteristics>
 </n1:General_Info>
 <n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>{cloud}</Cloud_Coverage_Assessment>
 </n1:Quality_Indicators_Info>
</n1:Level-{level}_User_Product>
"""
GRANULE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{level}_Tile_Metadata.xsd">
 <n1:General_Info>
  <TILE_ID>S2A_OPER_MSI_L{level}_TL_2APS_{day}T155057_A042547_T{tile}_N{baseline}</TILE_ID>
  <DATASTRIP_ID>S2A_OPER_MSI_L{level}_DS_2APS_{day}T155057_S{day}T10{minute:02d}00_N{baseline}</DATASTRIP_ID>
  <SENSING_TIME>{sensed}</SENSING_TIME>
 </n1:General_Info>
 <n1:Geometric_Info>
  <Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE></Tile_Geocoding>
  <Tile_Angles>
   <Mean_Sun_Angle><ZENITH_ANGLE unit="deg">35.5</ZENITH_ANGLE>
    <AZIMUTH_ANGLE unit="deg">152.25</AZIMUTH_ANGLE>
   </Mean_Sun_Angle>
  </Tile_Angles>
 </n1:Geometric_Info>
</n1:Level-{level}_Tile_ID>
"""


MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1">
<dataObjectSection>{objects}</dataObjectSection></xfdu:XFDU>
"""
OBJECT = """<dataObject ID="d{number}"><byteStream mimeType="application/octet-stream" size="{size}">
<fileLocation locatorType="URL" href="./{href}"/><checksum checksumName="{name}">{digest}</checksum>
</byteStream></dataObject>
"""


def write_manifest(product: Path, name: str = "SHA3-256") -> None:
    """The manifest of a product as it lies there, with checksums as `name` (MD5, SHA3-256)."""
    algorithm = name.lower().replace("-", "_")
    paths = sorted(path for path in product.rglob("*") if path.is_file())
    objects = [
        OBJECT.format(
            number=number,
            size=path.stat().st_size,
            href=path.relative_to(product).as_posix(),
            name=name,
            digest=hashlib.new(algorithm, path.read_bytes()).hexdigest().upper(),
        )
        for number, path in enumerate(paths)
    ]
    (product / "manifest.safe").write_text(MANIFEST.format(objects="".join(objects)))


def make_safe(
    folder: Path,
    counts: np.ndarray,
    *,
    level: str = "2A",
    baseline: str = "05.09",
    offset: int | None = -1000,
    day: str = "20230815",
    minute: int = 0,
    tile: str = "33TWL",
    created: str = "20230815T155057",
    cloud: float = 3.5,
    pvi: np.ndarray | None = None,
    **options,
) -> Path:
    """A product of DN (R, G, B, NIR); `offset` None lists no offsets; `pvi` is uint8 (3, 343, 343)."""
    code = baseline.replace(".", "")
    name = f"S2A_MSIL{level}_{day}T095031_N{code}_R079_T{tile}_{created}"
    product = folder / f"{name}.SAFE"
    granule = product / "GRANULE" / f"L{level}_T{tile}_A042547_{day}T10{minute:02d}00"
    images = []
    for index, band in enumerate(BANDS):
        stem = f"T{tile}_{day}T095031_{NAMES[band]}"
        below = f"IMG_DATA/R10m/{stem}_10m" if level == "2A" else f"IMG_DATA/{stem}"
        images.append(f"GRANULE/{granule.name}/{below}")
        write_band(granule / f"{below}.jp2", counts[index], tile, **options)
    if pvi is not None:
        path = granule / "QI_DATA" / f"T{tile}_{day}T095031_PVI.jp2"
        write_band(path, pvi, tile, resolution=320, dtype="uint8", photometric="RGB")
    sign = "BOA" if level == "2A" else "RADIO"
    listed = (
        ""
        if offset is None
        else "".join(
            f'<{sign}_ADD_OFFSET band_id="{number}">{offset}</{sign}_ADD_OFFSET>' for number in range(13)
        )
    )
    tag = "BOA_QUANTIFICATION_VALUE" if level == "2A" else "QUANTIFICATION_VALUE"
    fields = {
        "level": level,
        "suffix": "p" if level == "2A" else "",
        "name": name,
        "baseline": baseline,
        "created": f"{created[:4]}-{created[4:6]}-{created[6:8]}T{created[9:11]}:{created[11:13]}:57.000000Z",
        "day": day,
        "minute": minute,
        "tile": tile,
        "epsg": Tile.parse(tile).epsg,
        "sensed": f"{day[:4]}-{day[4:6]}-{day[6:]}T10:{minute:02d}:00.246000Z",
        "images": "".join(f"<IMAGE_FILE>{image}</IMAGE_FILE>" for image in images),
        "quantification": f'<{tag} unit="none">10000</{tag}>',
        "offsets": listed,
        "cloud": cloud,
    }
    (product / f"MTD_MSIL{level}.xml").write_text(PRODUCT.format(**fields))
    (granule / "MTD_TL.xml").write_text(GRANULE.format(**fields))
    return product
