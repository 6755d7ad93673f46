"""Who may call which action of the API."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class ByAction(BasePermission):
    """Ask the view's `needs`: for each action that not everybody may do, a question about the person."""

    message = _("Your role does not allow this.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the person may do the action."""
        needs: Mapping[str, Callable[[Any], bool]] = getattr(view, "needs", {})
        question = needs.get(getattr(view, "action", None) or "")
        return question is None or question(request.user)
