"""Addresses under /use/."""

from django.urls import path

from webapp.keys import views

urlpatterns = [
    path("<slug:slug>/<slug:edition>/", views.use_map, name="use-map"),
    path("<slug:slug>/<slug:edition>/keys/", views.make_key, name="make-key"),
    path("<slug:slug>/<slug:edition>/keys/<int:pk>/revoke/", views.revoke_key, name="revoke-key"),
]
