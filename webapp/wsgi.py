"""The web application as WSGI servers call it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
_django = get_wsgi_application()

from webapp.tileserver.wsgi import MapTiles  # noqa: E402

application = MapTiles(_django)
