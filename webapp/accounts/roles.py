"""Roles: what a person may do, as Django groups."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

CUSTOMER = "customer"
REVIEWER = "reviewer"
OPERATOR = "operator"
ROLES = (CUSTOMER, REVIEWER, OPERATOR)
WORDS = {CUSTOMER: _("customer"), REVIEWER: _("reviewer"), OPERATOR: _("operator")}


def roles_of(user: Any) -> frozenset[str]:
    """The roles of a person, read once per request; a superuser has them all, an anonymous visitor none."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(ROLES)
    if not hasattr(user, "_roles"):
        user._roles = frozenset(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
    return user._roles


def may_order(user: Any) -> bool:
    """Whether the person may place orders."""
    return bool(roles_of(user) & {CUSTOMER, OPERATOR})


def may_review(user: Any) -> bool:
    """Whether the person may approve or reject revisions."""
    return bool(roles_of(user) & {REVIEWER, OPERATOR})


def may_operate(user: Any) -> bool:
    """Whether the person may publish, rebuild and change campaigns."""
    return OPERATOR in roles_of(user)


def sees_everything(user: Any) -> bool:
    """Whether private campaigns and newest revisions are shown to the person."""
    return bool(roles_of(user) & {REVIEWER, OPERATOR})


def context(request: HttpRequest) -> dict[str, Any]:
    """What templates may ask about the visitor."""
    user = getattr(request, "user", None)
    if user is None:
        return {}
    return {
        "may_order": may_order(user),
        "may_review": may_review(user),
        "may_operate": may_operate(user),
        "sees_everything": sees_everything(user),
    }
