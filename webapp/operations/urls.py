"""The address of the operators' page."""

from django.urls import path

from webapp.operations import views

urlpatterns = [path("operations/", views.page, name="operations")]
