"""The web application as WSGI servers call it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
_django = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402

from webapp.tileserver.ready import get_ready  # noqa: E402
from webapp.tileserver.wsgi import MapTiles  # noqa: E402

# All views, and what map tiles are made with, are loaded now, not while the first visitor waits.
get_resolver().url_patterns  # noqa: B018
get_ready()
application = MapTiles(_django)
