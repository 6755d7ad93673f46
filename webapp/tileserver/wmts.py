"""An edition as OGC WMTS 1.0.0 (07-057r7): capabilities, and map tiles by key-value pairs.

The templates for REST are the addresses of our own map tiles.
"""

import math
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pipeline.web_copy import EQUATOR_PIXEL, HALF_WORLD
from webapp.tileserver.addresses import NotHere, View, map_tile_of
from webapp.tileserver.describe import attribution, last_zoom
from webapp.tileserver.layers import LAYERS, Layer
from webapp.tileserver.reader import MapTile
from webapp.tileserver.render import CONTENT_TYPES

MATRIX_SET = "WebMercatorQuad"
# Metres of a standardised rendering pixel (OGC 07-057r7, 6.1).
STANDARD_PIXEL = 0.00028
FORMATS = ("png", "jpg", "webp")
NAMESPACES = (
    'xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)


class BadRequest(ValueError):
    """A request that WMTS does not know, with its exception code and the parameter that is wrong."""

    def __init__(self, code: str, locator: str, message: str):
        """Take the code of the standard, the parameter and the sentence."""
        super().__init__(message)
        self.code, self.locator = code, locator

    def xml(self) -> bytes:
        """Give the report that the standard asks for."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="1.1.0">'
            f"<ows:Exception exceptionCode={quoteattr(self.code)} locator={quoteattr(self.locator)}>"
            f"<ows:ExceptionText>{escape(str(self))}</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
        ).encode()


def parse(query: Mapping[str, str]) -> tuple[Layer, MapTile, str] | None:
    """Read the key-value pairs of a request, whose names are of any case.

    Returns:
        Layer, map tile and format that are asked for; None for the capabilities.

    Raises:
        BadRequest: it is no request of WMTS 1.0.0.
    """
    words = {name.lower(): value for name, value in query.items()}
    if words.get("service", "WMTS").upper() != "WMTS":
        raise BadRequest("InvalidParameterValue", "SERVICE", "The service here is WMTS.")
    request = words.get("request", "GetCapabilities")
    if request == "GetCapabilities":
        return None
    if request != "GetTile":
        raise BadRequest("OperationNotSupported", "REQUEST", f"{request} is not offered.")
    for name in ("layer", "tilematrixset", "tilematrix", "tilerow", "tilecol"):
        if name not in words:
            raise BadRequest("MissingParameterValue", name, f"{name} is missing.")
    if words["layer"] not in LAYERS:
        raise BadRequest("InvalidParameterValue", "LAYER", f"There is no layer {words['layer']}.")
    if words["tilematrixset"] != MATRIX_SET:
        raise BadRequest("InvalidParameterValue", "TILEMATRIXSET", f"The set here is {MATRIX_SET}.")
    formats = {kind: fmt for fmt, kind in CONTENT_TYPES.items()}
    if words.get("format", "image/png") not in formats:
        raise BadRequest("InvalidParameterValue", "FORMAT", f"The formats are {', '.join(formats)}.")
    try:
        tile = map_tile_of(words["tilematrix"], words["tilecol"], words["tilerow"])
    except NotHere as error:
        raise BadRequest("TileOutOfRange", "TILEROW", str(error)) from None
    return LAYERS[words["layer"]], tile, formats[words.get("format", "image/png")]


def limits(bounds: tuple[float, float, float, float], zoom: int) -> dict[str, int]:
    """Give the first and last row and column of the map tiles of a zoom that meet bounds in degrees."""
    west, south, east, north = bounds
    side = 2**zoom

    def row(latitude: float) -> int:
        mercator = math.asinh(math.tan(math.radians(latitude))) / math.pi
        return min(max(int((1 - mercator) / 2 * side), 0), side - 1)

    def col(longitude: float) -> int:
        return min(max(int((longitude + 180) / 360 * side), 0), side - 1)

    return {
        "MinTileRow": row(north),
        "MaxTileRow": row(south),
        "MinTileCol": col(west),
        "MaxTileCol": col(east),
    }


def capabilities(view: View, root: str, suffix: str = "") -> bytes:
    """Write the capabilities document of a view.

    Args:
        view: the edition.
        root: address of the view, which ends in /.
        suffix: what is put behind each address, such as a key.

    Raises:
        NotHere: the campaign has no tiles yet.
    """
    bounds = view.coverage.bounds
    if bounds is None:
        raise NotHere(f"Campaign {view.campaign.slug} has no tiles yet.")
    zooms = range(last_zoom(view) + 1)
    kvp = escape(f"{root}wmts{suffix + '&' if suffix else '?'}", {'"': "&quot;"})
    operations = "".join(
        f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href="{kvp}">'
        '<ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value></ows:AllowedValues>'
        "</ows:Constraint></ows:Get></ows:HTTP></ows:DCP></ows:Operation>"
        for name in ("GetCapabilities", "GetTile")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Capabilities {NAMESPACES} version="1.0.0">'
        f"<ows:ServiceIdentification><ows:Title>{escape(view.title)}</ows:Title>"
        "<ows:ServiceType>OGC WMTS</ows:ServiceType><ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>"
        f"<ows:AccessConstraints>{escape(attribution(view))}</ows:AccessConstraints>"
        "</ows:ServiceIdentification>"
        f"<ows:OperationsMetadata>{operations}</ows:OperationsMetadata>"
        f"<Contents>{''.join(_layer(layer, bounds, zooms, root, suffix) for layer in LAYERS.values())}"
        f"<TileMatrixSet><ows:Identifier>{MATRIX_SET}</ows:Identifier>"
        "<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>"
        "<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>"
        f"{''.join(_matrix(zoom) for zoom in zooms)}</TileMatrixSet></Contents>"
        f"<ServiceMetadataURL xlink:href={quoteattr(f'{root}wmts/1.0.0/WMTSCapabilities.xml{suffix}')}/>"
        "</Capabilities>"
    ).encode()


def _layer(layer: Layer, bounds: tuple[float, ...], zooms: range, root: str, suffix: str) -> str:
    west, south, east, north = bounds
    formats = "".join(f"<Format>{CONTENT_TYPES[fmt]}</Format>" for fmt in FORMATS)
    rows = "".join(
        f"<TileMatrixLimits><TileMatrix>{zoom}</TileMatrix>"
        + "".join(
            f"<{name}>{value}</{name}>" for name, value in limits((west, south, east, north), zoom).items()
        )
        + "</TileMatrixLimits>"
        for zoom in zooms
    )
    resources = "".join(
        f'<ResourceURL format="{CONTENT_TYPES[fmt]}" resourceType="tile" template='
        + quoteattr(f"{root}{layer.name}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.{fmt}{suffix}")
        + "/>"
        for fmt in FORMATS
    )
    return (
        f"<Layer><ows:Title>{escape(str(layer.title))}</ows:Title>"
        f"<ows:WGS84BoundingBox><ows:LowerCorner>{west} {south}</ows:LowerCorner>"
        f"<ows:UpperCorner>{east} {north}</ows:UpperCorner></ows:WGS84BoundingBox>"
        f"<ows:Identifier>{layer.name}</ows:Identifier>"
        '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>'
        f"{formats}<TileMatrixSetLink><TileMatrixSet>{MATRIX_SET}</TileMatrixSet>"
        f"<TileMatrixSetLimits>{rows}</TileMatrixSetLimits></TileMatrixSetLink>{resources}</Layer>"
    )


def _matrix(zoom: int) -> str:
    side = 2**zoom
    return (
        f"<TileMatrix><ows:Identifier>{zoom}</ows:Identifier>"
        f"<ScaleDenominator>{EQUATOR_PIXEL / side / STANDARD_PIXEL!r}</ScaleDenominator>"
        f"<TopLeftCorner>{-HALF_WORLD!r} {HALF_WORLD!r}</TopLeftCorner>"
        "<TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
        f"<MatrixWidth>{side}</MatrixWidth><MatrixHeight>{side}</MatrixHeight></TileMatrix>"
    )


def describe_limits(bounds: tuple[float, float, float, float], zooms: range) -> list[dict[str, Any]]:
    """Give the limits of each zoom as OGC API - Tiles writes them."""
    return [
        {"tileMatrix": str(zoom)}
        | {name[0].lower() + name[1:]: value for name, value in limits(bounds, zoom).items()}
        for zoom in zooms
    ]
