"""Addresses under /tiles/."""

import re

from django.urls import re_path

from webapp.tileserver import products, services_views, views

VIEW = r"(?P<campaign>[-a-zA-Z0-9_]{1,50})/(?P<edition>[a-z0-9]{1,10})"
LAYER = VIEW + r"/(?P<layer>[a-z]{1,20})"
PLACE = r"/(?P<z>[^/]{1,12})/(?P<x>[^/]{1,12})/(?P<name>[^/]{1,24})"
MAP_TILE = re.compile(LAYER + PLACE)

OGC = "^" + VIEW + "/ogc/"
OF_LAYER = OGC + r"collections/(?P<layer>[a-z]{1,20})"
TILESET = OF_LAYER + r"/map/tiles/(?P<matrix_set>[A-Za-z0-9]{1,40})"

urlpatterns = [
    re_path("^" + VIEW + "/wmts/?$", services_views.wmts_view, name="wmts"),
    re_path(
        "^" + VIEW + r"/wmts/1\.0\.0/WMTSCapabilities\.xml$",
        services_views.wmts_view,
        {"rest": "1"},
        name="wmts-rest",
    ),
    re_path(OGC + "$", services_views.landing, name="ogc"),
    re_path(OGC + "conformance$", services_views.conformance),
    re_path(OGC + "collections$", services_views.collections),
    re_path(OF_LAYER + "$", services_views.collection),
    re_path(OF_LAYER + "/map/tiles$", services_views.tilesets),
    re_path(TILESET + "$", services_views.tileset),
    re_path(
        TILESET + r"/(?P<z>[0-9]{1,2})/(?P<row>[0-9]{1,8})/(?P<name>[0-9a-z.@]{1,16})$",
        services_views.ogc_tile,
    ),
    re_path(OGC + "tileMatrixSets$", services_views.matrix_sets),
    re_path(OGC + "tileMatrixSets/(?P<matrix_set>[A-Za-z0-9]{1,40})$", services_views.matrix_set),
    re_path("^" + LAYER + r"\.(?P<kind>pmtiles|mbtiles)$", products.packed, name="packed-file"),
    re_path(
        "^" + VIEW + r"/products/(?P<tile>[0-9A-Z]{5})/(?P<name>[a-z]{1,20}\.tif)$",
        products.product,
        name="product",
    ),
    re_path(f"^{MAP_TILE.pattern}$", views.map_tile, name="map-tile"),
    re_path("^" + LAYER + r"/tilejson\.json$", views.tilejson, name="tilejson"),
    re_path("^" + VIEW + r"/point$", views.point, name="point"),
]
