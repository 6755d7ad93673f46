"""Addresses of the review desk's own pages."""

from django.urls import path

from webapp.review import views

PLACE = "<str:z>/<str:x>/<str:y>.webp"

urlpatterns = [
    path("review/<int:build>/", views.workspace, name="workspace"),
    path("review/<int:build>/pixel/", views.pixel, name="review-pixel"),
    path(f"review/<int:build>/map/<slug:layer>/{PLACE}", views.map_tile, name="review-map-tile"),
    path(
        f"review/<int:build>/scenes/<int:scene>/<slug:layer>/{PLACE}",
        views.scene_tile,
        name="review-scene-tile",
    ),
]
