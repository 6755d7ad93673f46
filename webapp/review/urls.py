"""Addresses of the review desk's own pages."""

from django.urls import path

from webapp.review import accuracy_pages, edition_pages, progress_pages, views

PLACE = "<str:z>/<str:x>/<str:y>.webp"
EDITIONS = "review/progress/<slug:slug>/editions/<int:before>-<int:after>"

urlpatterns = [
    path("review/accuracy/", accuracy_pages.assessments, name="assessments"),
    path("review/accuracy/<int:key>/", accuracy_pages.assessment, name="assessment-page"),
    path("review/accuracy/<int:key>/label/", accuracy_pages.labelling, name="labelling"),
    path("review/accuracy/<int:key>/result.csv", accuracy_pages.table, name="assessment-table"),
    path("review/history/<slug:slug>/<str:tile>/", progress_pages.tile_page, name="tile-page"),
    path("review/progress/", progress_pages.dashboards, name="dashboards"),
    path("review/progress/<slug:slug>/", progress_pages.dashboard, name="dashboard"),
    path("review/progress/<slug:slug>/editions/", edition_pages.editions, name="compare-editions"),
    path(f"{EDITIONS}/count/", edition_pages.count, name="count-change"),
    path(f"{EDITIONS}/<slug:layer>/{PLACE}", edition_pages.change_map_tile, name="edition-change-tile"),
    path("review/progress/<slug:slug>/reviews.csv", progress_pages.history_csv, name="history-csv"),
    path(
        "review/progress/<slug:slug>/reviews.geojson", progress_pages.history_geojson, name="history-geojson"
    ),
    path("review/<int:build>/", views.workspace, name="workspace"),
    path("review/<int:build>/pixel/", views.pixel, name="review-pixel"),
    path(f"review/<int:build>/map/<slug:layer>/{PLACE}", views.map_tile, name="review-map-tile"),
    path(
        f"review/<int:build>/scenes/<int:scene>/<slug:layer>/{PLACE}",
        views.scene_tile,
        name="review-scene-tile",
    ),
]
