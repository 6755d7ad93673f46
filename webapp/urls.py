"""All addresses of the web application."""

urlpatterns: list = []
