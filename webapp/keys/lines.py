"""Ready lines with which other programs show a layer of an edition."""

from typing import NamedTuple
from urllib.parse import quote

from django.utils.translation import gettext

from webapp.tileserver.render import SIZE


class Line(NamedTuple):
    """What one program takes: its name, where the text goes, and the text."""

    program: str
    where: str
    text: str


def ready_lines(root: str, layer: str, key: str, attribution: str, zoom: int) -> list[Line]:
    """Write the lines.

    Args:
        root: address of the edition, which ends in /.
        layer: name of the layer.
        key: the key; "" where none is needed.
        attribution: what the map must name.
        zoom: the last zoom with detail of its own.
    """
    end = f"?key={key}" if key else ""
    tiles = f"{root}{layer}/{{z}}/{{x}}/{{y}}.webp{end}"
    png = f"{root}{layer}/{{z}}/{{x}}/{{y}}.png{end}"
    wmts = f"{root}wmts/1.0.0/WMTSCapabilities.xml{end}"
    options = f'{{maxNativeZoom: {zoom}, maxZoom: 20, attribution: "{attribution}"}}'
    source = f'{{type: "raster", url: "{root}{layer}/tilejson.json{end}", tileSize: {SIZE}}}'
    maplibre = (
        f'map.addSource("earthquilt", {source});\n'
        'map.addLayer({id: "earthquilt", type: "raster", source: "earthquilt"});'
    )
    openlayers = (
        f'new ol.layer.Tile({{source: new ol.source.XYZ({{url: "{tiles}", maxZoom: {zoom}, '
        f'attributions: "{attribution}"}})}})'
    )
    box = "-projwin_srs EPSG:4326 -projwin WEST NORTH EAST SOUTH"
    gdal = f'gdal_translate -of COG {box} "WMTS:{wmts},layer={layer}" map.tif'
    level = f"{root}{layer}/{{level}}/{{col}}/{{row}}.png{end}"
    return [
        Line("QGIS", gettext("Layer, Add Layer, Add XYZ Layer, New, URL"), png),
        Line(
            gettext("QGIS as one text"),
            gettext("in a script: QgsRasterLayer(text, name, 'wms')"),
            _qgis(png, zoom),
        ),
        Line("ArcGIS Pro", gettext("Insert, Connections, Server, New WMTS Server, Server URL"), wmts),
        Line("ArcGIS Online", gettext("Add layer from URL, type Tile layer"), level),
        Line("Leaflet", gettext("in the page's script"), f'L.tileLayer("{tiles}", {options}).addTo(map);'),
        Line("MapLibre", gettext("in the page's script, after the map has loaded"), maplibre),
        Line("OpenLayers", gettext("in the list of the map's layers"), openlayers),
        Line("GDAL", gettext("on the command line, with your own numbers"), gdal),
        Line(
            "curl", gettext("on the command line"), f'curl -L -o map-tile.png "{root}{layer}/0/0/0.png{end}"'
        ),
    ]


def _qgis(address: str, zoom: int) -> str:
    return f"type=xyz&url={quote(address, safe=':/{}')}&zmin=0&zmax={zoom}"
