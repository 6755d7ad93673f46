"""The page of those who keep the system running."""

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webapp.accounts import roles
from webapp.operations.state import state


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponseBase:
    """What is slow, stuck or failing, for operators; the part that changes alone where htmx asks."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not roles.may_operate(request.user):
        raise Http404
    template = "operations/_state.html" if request.htmx else "operations/page.html"
    return render(request, template, {"state": state()})
