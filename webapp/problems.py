"""Problems as the API tells them: one shape, `{"error": {"code", "message", "field"}}`."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from django.views import defaults
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback
from rq.exceptions import NoSuchJobError

from pipeline.errors import EarthquiltError, StorageError, TransientStorageError, UsageError
from webapp.told import told

log = logging.getLogger(__name__)

API = "/api/"
# A database, a queue or a bucket that was restarted answers again after seconds.
OUTAGES = (
    OperationalError, InterfaceError, RedisConnectionError, RedisTimeoutError, TransientStorageError,
)  # fmt: skip
RETRY_AFTER_SECONDS = 5
# What the pages of RQ raise where a job or a worker is gone, or its scheduler is not installed.
GONE = (NoSuchJobError, AssertionError, ValueError, ImproperlyConfigured)


class Refused(exceptions.APIException):
    """A request that the state of things does not allow (HTTP 409)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ErrorSerializer(serializers.Serializer):
    """What is wrong."""

    code = serializers.CharField(help_text="stable word for programs")
    message = serializers.CharField(help_text="one sentence for people")
    field = serializers.CharField(allow_null=True, help_text="the field it belongs to, where there is one")


class ProblemSerializer(serializers.Serializer):
    """The shape of every refusal."""

    error = ErrorSerializer()


def problem(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"code": code, "message": message, "field": field}}


def describe_refusals(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add to each operation of the API's description that whatever else it answers is a refusal.

    A hook of drf-spectacular's.
    """
    shape = {"$ref": "#/components/schemas/Problem"}
    refusal = {"description": "A refusal.", "content": {"application/json": {"schema": shape}}}
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"].setdefault("default", refusal)
    return result


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into an answer; None where it is a bug, which Django reports."""
    if isinstance(error, EarthquiltError):
        set_rollback()
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, OUTAGES) else None
        body = problem(error.code, told(error), getattr(error, "field", None))
        return Response(body, status_of(error), headers=headers)
    response = exception_handler(error, context)
    if response is not None:
        detail = getattr(error, "detail", None) or exceptions.NotFound().detail
        field, item = first_of(detail)
        response.data = problem(getattr(item, "code", "error"), str(item), field)
    return response


def status_of(error: EarthquiltError) -> int:
    """The HTTP status of an error of the pipeline."""
    if isinstance(error, UsageError):
        return getattr(error, "http_status", status.HTTP_400_BAD_REQUEST)
    if isinstance(error, TransientStorageError):
        return status.HTTP_503_SERVICE_UNAVAILABLE
    if isinstance(error, StorageError):
        return status.HTTP_507_INSUFFICIENT_STORAGE
    return status.HTTP_502_BAD_GATEWAY


def first_of(detail: Any, field: str | None = None) -> tuple[str | None, Any]:
    """The first of the errors that REST framework found, with the name of its field."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        general = str(name) in ("non_field_errors", "detail")
        path = field if general else ".".join(filter(None, (field, str(name))))
        return first_of(inner, path)
    if isinstance(detail, list) and detail:
        return first_of(next((item for item in detail if item), detail[0]), field)
    return field, detail


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 in the API's shape below /api/, as a page elsewhere."""
    if request.path.startswith(API):
        return JsonResponse(problem("bad_request", gettext("The request cannot be read.")), status=400)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 in the API's shape below /api/, as a page elsewhere."""
    if request.path.startswith(API):
        return JsonResponse(
            problem("not_found", gettext("There is nothing at %(path)s.") % {"path": request.path}),
            status=404,
        )
    return defaults.page_not_found(request, exception)


class JobsThatEnded:
    """Middleware: 404 where a page of RQ is asked for a job or worker that is gone, at which it breaks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        """Take the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer where the view has raised."""
        match = request.resolver_match
        if match is None or not match._func_path.startswith("django_rq.") or not isinstance(exception, GONE):
            return None
        log.warning("%s is asked for what is gone, or broken", request.path, exc_info=exception)
        return not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 in the API's shape below /api/, as a page elsewhere; 503 in an outage."""
    is_out = isinstance(sys.exception(), OUTAGES)
    if request.path.startswith(API):
        if is_out:
            message = gettext("Database, queue or storage do not answer just now; try again in some seconds.")
            answer: HttpResponse = JsonResponse(problem("unavailable", message))
        else:
            message = gettext("Something went wrong on our side; it has been written to the log.")
            answer = JsonResponse(problem("internal", message), status=500)
    else:
        answer = defaults.server_error(request, "503.html" if is_out else "500.html")
    if is_out:
        answer.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        answer["Cache-Control"] = "no-store"
    return answer
