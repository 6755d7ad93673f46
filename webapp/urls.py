"""All addresses of the web application."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

from webapp import health

urlpatterns = [
    path("admin/django-rq/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("webapp.accounts.urls")),
    path("api/", include("webapp.api")),
    path("words/", include("webapp.languages")),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
]
if find_spec("webapp.keys.urls"):
    urlpatterns.append(path("use/", include("webapp.keys.urls")))
if find_spec("webapp.stac.urls"):
    urlpatterns.append(path("stac/", include("webapp.stac.urls")))
if find_spec("webapp.tileserver.urls"):
    urlpatterns.append(path("tiles/", include("webapp.tileserver.urls")))
urlpatterns.append(path("", include("webapp.orders.urls")))
urlpatterns.append(path("", include("webapp.notices.urls")))
urlpatterns.append(path("", include("webapp.review.urls")))
urlpatterns.append(path("", include("webapp.operations.urls")))
if find_spec("webapp.maps.urls"):
    urlpatterns.append(path("", include("webapp.maps.urls")))

handler400 = "webapp.problems.bad_request"
handler404 = "webapp.problems.not_found"
handler500 = "webapp.problems.server_error"
