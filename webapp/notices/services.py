"""What pages and the API do with notices."""

from typing import TYPE_CHECKING

from django.db import transaction
from rest_framework.exceptions import PermissionDenied

from webapp.accounts import roles
from webapp.notices.jobs import hint_notice
from webapp.notices.models import Notice

if TYPE_CHECKING:
    from webapp.accounts.models import User


def may_send_again(notice: Notice, user: "User") -> bool:
    """Whether a person may have a notice sent again: its recipient and operators."""
    return notice.recipient_id == user.pk or roles.may_operate(user)


@transaction.atomic
def send_again(notice: Notice, user: "User") -> None:
    """Send a notice again, from the first try on, under the same id.

    Raises:
        PermissionDenied: it is another's.
        UsageError: its endpoint is gone.
    """
    if not may_send_again(notice, user):
        raise PermissionDenied
    notice.again()
    hint_notice(notice)
