"""The page on which a person chooses how to be told, and the button that sends a notice again."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from pipeline.errors import UsageError
from webapp.notices.kinds import CHOSEN
from webapp.notices.models import MOST_ENDPOINTS, Endpoint, MailChoice, Notice
from webapp.notices.outbox import write_test
from webapp.notices.serializers import EndpointSerializer
from webapp.notices.services import may_send_again, send_again
from webapp.notices.templatetags.notices import told

SHOWN = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices_page(request: HttpRequest) -> HttpResponse:
    """Show a person's mail and webhooks; POST makes an endpoint, whose secret this answer shows."""
    if request.method != "POST":
        return _page(request, {})
    asked = {"url": request.POST.get("url", ""), "kinds": request.POST.getlist("kinds")}
    form = EndpointSerializer(data=asked)
    if not form.is_valid():
        problem = " ".join(str(text) for found in form.errors.values() for text in _flat(found))
        return _page(request, {"problem": problem, "asked": asked}, status=400)
    try:
        made, secret = Endpoint.make(request.user, form.validated_data["url"], form.validated_data["kinds"])
    except UsageError as error:
        return _page(request, {"problem": str(error), "asked": asked}, status=400)
    return _page(request, {"made": made, "secret": secret})


@login_required
@require_POST
def choose_mail(request: HttpRequest) -> HttpResponse:
    """Keep of what the person gets mail."""
    chosen = [kind for kind in CHOSEN if kind in request.POST.getlist("kinds")]
    MailChoice.objects.update_or_create(user=request.user, defaults={"kinds": chosen})
    messages.success(request, _("Your choice of mail is kept."))
    return redirect("notices")


@login_required
@require_POST
def change_endpoint(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Test or remove an endpoint of one's own, or give it another secret.

    Raises:
        Http404: there is no such endpoint.
    """
    endpoint = get_object_or_404(Endpoint.objects.standing(), pk=pk, owner=request.user)
    if what == "secret":
        return _page(request, {"made": endpoint, "secret": endpoint.renew_secret(), "is_renewed": True})
    if what == "test":
        with transaction.atomic():
            endpoint.start()
            write_test(endpoint)
        messages.success(request, _("A test is on its way; the list below tells what came of it."))
    else:
        endpoint.remove()
        messages.success(request, _("The endpoint was removed."))
    return redirect("notices")


@login_required
@require_POST
def notice_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a notice again, and go back to where it is listed.

    Raises:
        Http404: it is another's.
    """
    notice = get_object_or_404(Notice.objects.visible_to(request.user), pk=pk)
    if not may_send_again(notice, request.user):
        raise Http404
    try:
        send_again(notice, request.user)
        messages.success(request, _("The notice is sent again."))
    except UsageError as error:
        messages.error(request, str(error))
    if notice.order_id and "order" in request.POST:
        return redirect("order", notice.order_id)
    return redirect("notices")


def _page(request: HttpRequest, more: dict[str, Any], status: int = 200) -> HttpResponse:
    own = Notice.objects.filter(recipient=request.user).select_related("endpoint", "recipient", "delivery")
    chosen = MailChoice.of(request.user)
    asked = more.get("asked", {"url": "", "kinds": list(CHOSEN)})
    endpoints = Endpoint.objects.standing().filter(owner=request.user)
    context = {
        "mail_is_sent": settings.MAIL_IS_SENT,
        "mail_kinds": [(kind, label, kind in chosen) for kind, label in CHOSEN.items()],
        "endpoint_kinds": [(kind, label, kind in asked["kinds"]) for kind, label in CHOSEN.items()],
        "endpoints": endpoints,
        "is_full": len(endpoints) >= MOST_ENDPOINTS,
        "asked": asked,
        "notices": [told(row, request.user) for row in own.prefetch_related("tries")[:SHOWN]],
        "tries": len(settings.NOTICE_PAUSES) + 1,
        "days": max(1, round(sum(settings.NOTICE_PAUSES) / 86400)),
    }
    response = render(request, "notices/page.html", context | more, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [text for inner in found.values() for text in _flat(inner)]
    return [text for inner in found for text in _flat(inner)] if isinstance(found, list) else [found]
