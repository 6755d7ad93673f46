"""Addresses of the map page."""

from django.urls import path

from webapp.maps.scene_list import scene_list_picture, tile_scene_list
from webapp.maps.views import map_page, tile_history

urlpatterns = [
    path("", map_page, {"desk": "map"}, name="map"),
    path("orders/", map_page, {"desk": "orders"}, name="orders"),
    path("review/", map_page, {"desk": "review"}, name="review"),
    path("review/<slug:slug>/<str:tile>/history/", tile_history, name="tile-history"),
    path("review/<slug:slug>/<str:tile>/scene-list/", tile_scene_list, name="tile-scene-list"),
    path(
        "review/<slug:slug>/<str:tile>/builds/<int:number>/scene_list.png",
        scene_list_picture,
        name="scene-list-picture",
    ),
]
