"""Addresses of the map page."""

from django.urls import path

from webapp.maps.models_page import model_picture, models_page
from webapp.maps.scene_list import scene_list_picture, tile_scene_list
from webapp.maps.views import map_page, tile_history

urlpatterns = [
    path("", map_page, {"desk": "map"}, name="map"),
    path("orders/new/", map_page, {"desk": "orders"}, name="new-order"),
    path("review/", map_page, {"desk": "review"}, name="review"),
    path("models/", models_page, name="models-page"),
    path("models/<slug:name>/<slug:sha256>.png", model_picture, name="model-picture"),
    path("review/<slug:slug>/<str:tile>/history/", tile_history, name="tile-history"),
    path("review/<slug:slug>/<str:tile>/scene-list/", tile_scene_list, name="tile-scene-list"),
    path(
        "review/<slug:slug>/<str:tile>/builds/<int:number>/scene_list.png",
        scene_list_picture,
        name="scene-list-picture",
    ),
]
