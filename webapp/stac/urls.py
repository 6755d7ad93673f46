"""Addresses under /stac/."""

from django.urls import path, re_path

from webapp.stac import views

NAME = r"(?P<name>[a-z0-9-]{1,50}\.[0-9]{1,8})"

urlpatterns = [
    path("", views.landing, name="stac"),
    path("conformance", views.conformance),
    path("collections", views.collections),
    re_path(r"^collections/(?P<name>[a-z0-9-]{1,50}(?:\.[0-9]{1,8})?)$", views.collection),
    re_path(rf"^collections/{NAME}/items$", views.items),
    re_path(rf"^collections/{NAME}/items/(?P<key>[A-Za-z0-9_-]{{1,100}})$", views.item),
    path("search", views.search, name="stac-search"),
]
