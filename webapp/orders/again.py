"""The button that has removed files of a delivery made once more."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from pipeline.errors import UsageError
from webapp.accounts import roles
from webapp.orders.downloads import ask_again
from webapp.orders.models import Delivery, Order


@login_required
@require_POST
def deliver_again(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Ask for the files again and go back to the order.

    Raises:
        Http404: there is no such delivery, or the visitor may not see it.
        PermissionDenied: the visitor may look but not order.
    """
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    delivery = get_object_or_404(Delivery, order=order, number=number)
    if not roles.may_order(request.user):
        raise PermissionDenied
    try:
        ask_again(delivery, request.user)
    except UsageError as error:
        messages.error(request, str(error))
    return redirect("order", pk)
