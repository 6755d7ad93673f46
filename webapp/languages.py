"""Which language a page speaks, and its catalogue for scripts."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JavaScriptCatalog

MACHINES = ("/tiles/", "/stac/", "/healthz", "/metrics", "/words/", settings.STATIC_URL)
"""Addresses of one answer for all readers, which caches between must not keep once per language."""

A_YEAR = "public, max-age=31536000, immutable"

register = template.Library()


class ReadersLanguage:
    """Speak the reader's language (cookie, then Accept-Language), and the first language to machines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        """Take the rest of the chain."""
        self.machines = get_response
        self.readers = LocaleMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if not request.path_info.startswith(MACHINES):
            return self.readers(request)
        # A thread keeps the language of whom it answered before.
        translation.deactivate()
        return self.machines(request)


class Catalogue(JavaScriptCatalog):
    """The sentences of our own scripts in one language, at an address that changes with them."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the script; an address of earlier sentences gets today's, which are not to be kept."""
        language, digest = kwargs["language"], kwargs["digest"]
        if language not in dict(settings.LANGUAGES):
            raise Http404
        response = HttpResponse(script(language), content_type="text/javascript; charset=utf-8")
        response["Cache-Control"] = A_YEAR if digest == digest_of(script(language)) else "no-cache"
        return response


@lru_cache
def script(language: str) -> bytes:
    """The catalogue of a language as JavaScript, read once per process."""
    view = Catalogue()
    with translation.override(language):
        view.translation = DjangoTranslation(language, domain=view.domain, localedirs=settings.LOCALE_PATHS)
        return view.render_to_response(view.get_context_data()).content


def digest_of(content: bytes) -> str:
    """A short word that changes with the content."""
    return hashlib.sha256(content).hexdigest()[:12]


@register.simple_tag
def catalogue_address() -> str:
    """Where the catalogue of the reader's language is."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return reverse("catalogue", kwargs={"language": language, "digest": digest_of(script(language))})


urlpatterns = [path("<str:language>/<str:digest>.js", Catalogue.as_view(), name="catalogue")]
