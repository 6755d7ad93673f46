"""Addresses of the map page."""

from django.urls import path

from webapp.maps.views import map_page, tile_history

urlpatterns = [
    path("", map_page, {"desk": "map"}, name="map"),
    path("orders/", map_page, {"desk": "orders"}, name="orders"),
    path("review/", map_page, {"desk": "review"}, name="review"),
    path("review/<slug:slug>/<str:tile>/history/", tile_history, name="tile-history"),
]
