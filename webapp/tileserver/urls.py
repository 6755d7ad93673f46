"""Addresses under /tiles/."""

import re

from django.urls import re_path

from webapp.tileserver import views

VIEW = r"(?P<campaign>[-a-zA-Z0-9_]{1,50})/(?P<edition>[a-z0-9]{1,10})"
LAYER = VIEW + r"/(?P<layer>[a-z]{1,20})"
PLACE = r"/(?P<z>[^/]{1,12})/(?P<x>[^/]{1,12})/(?P<name>[^/]{1,24})"
MAP_TILE = re.compile(LAYER + PLACE)

urlpatterns = [
    re_path(f"^{MAP_TILE.pattern}$", views.map_tile, name="map-tile"),
    re_path("^" + LAYER + r"/tilejson\.json$", views.tilejson, name="tilejson"),
    re_path("^" + VIEW + r"/point$", views.point, name="point"),
]
