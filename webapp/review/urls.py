"""Addresses of the review desk's own pages."""

from django.urls import path

from webapp.review import accuracy_pages, views

PLACE = "<str:z>/<str:x>/<str:y>.webp"

urlpatterns = [
    path("review/accuracy/", accuracy_pages.assessments, name="assessments"),
    path("review/accuracy/<int:key>/", accuracy_pages.assessment, name="assessment-page"),
    path("review/accuracy/<int:key>/label/", accuracy_pages.labelling, name="labelling"),
    path("review/accuracy/<int:key>/result.csv", accuracy_pages.table, name="assessment-table"),
    path("review/<int:build>/", views.workspace, name="workspace"),
    path("review/<int:build>/pixel/", views.pixel, name="review-pixel"),
    path(f"review/<int:build>/map/<slug:layer>/{PLACE}", views.map_tile, name="review-map-tile"),
    path(
        f"review/<int:build>/scenes/<int:scene>/<slug:layer>/{PLACE}",
        views.scene_tile,
        name="review-scene-tile",
    ),
]
