"""How much a request may bring: refused before anything of it is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext

from webapp.problems import problem

FILES = "multipart/form-data"


class Bodies:
    """Refuses requests whose body is larger than any that is wanted."""

    def __init__(self, behind: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Take what answers the others."""
        self.behind = behind

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413, or hand on."""
        most = most_bytes(request.content_type)
        return too_large(request, most) if length_of(request) > most else self.behind(request)


def most_bytes(kind: str | None) -> int:
    """How large a body of a content type may be; what is a little too large as a file is told by its form."""
    return settings.BODY_MOST_BYTES + 2 * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE if kind == FILES else 0)


def length_of(request: HttpRequest) -> int:
    """The length that the server holds a body to; without one nothing is read."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isdecimal() else 0


def too_large(request: HttpRequest, most: int) -> HttpResponse:
    """The refusal, in the shape of the API or as a line."""
    words = gettext("The request is larger than the %(most)s MiB that are taken.") % {
        "most": f"{most / 2**20:g}"
    }
    if request.path.startswith("/api/"):
        return JsonResponse(problem("too_large", words), status=413)
    if request.path.startswith("/stac/"):
        return JsonResponse({"code": "too_large", "description": words}, status=413)
    return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
