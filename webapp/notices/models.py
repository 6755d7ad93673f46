"""Where notices go, the outbox that they wait in, and each try to send them."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from pipeline.errors import UsageError
from webapp.notices.kinds import CHOSEN, KINDS
from webapp.notices.signing import new_secret
from webapp.orders.models import Delivery, Order

if TYPE_CHECKING:
    from webapp.accounts.models import User

MOST_ENDPOINTS = 10
# For how long a replaced secret signs besides the new one.
OVERLAP = timedelta(hours=24)
# A worker that sends and is not heard of for so long is dead.
CLAIM_SECONDS = 120
MOST_TEXT = 500


def all_kinds() -> list[str]:
    """Every kind that can be chosen."""
    return list(CHOSEN)


class MailChoice(models.Model):
    """Of what a person gets mail; without a row of everything."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mail_choice")
    kinds = models.JSONField(default=all_kinds, help_text="names of kinds; none: no mail at all")

    def __str__(self) -> str:
        return f"mail of {self.user_id}"

    @classmethod
    def of(cls, user: Any) -> list[str]:
        """The kinds that a person gets mail of."""
        row = cls.objects.filter(user=user).first()
        return all_kinds() if row is None else [kind for kind in row.kinds if kind in CHOSEN]


class EndpointQuerySet(models.QuerySet):
    """Questions about endpoints."""

    def standing(self) -> "EndpointQuerySet":
        """Those that were not removed."""
        return self.filter(removed_at__isnull=True)

    def listening(self) -> "EndpointQuerySet":
        """Those that are sent to."""
        return self.standing().filter(stopped_text="")


class Endpoint(models.Model):
    """An address of a customer that is told of ends."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="endpoints")
    url = models.CharField(max_length=2000)
    kinds = models.JSONField(default=all_kinds, help_text="names of kinds")
    secret = models.CharField(max_length=100, editable=False)
    old_secret = models.CharField(max_length=100, blank=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_text = models.TextField(blank=True, help_text="why nothing is sent any more")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        """The newest first."""

        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.url

    @classmethod
    def make(cls, owner: "User", url: str, kinds: list[str]) -> tuple["Endpoint", str]:
        """Make an endpoint; gives it with its secret, which is told this once.

        Raises:
            UsageError: the person has as many as one may have.
        """
        if cls.objects.standing().filter(owner=owner).count() >= MOST_ENDPOINTS:
            raise UsageError(
                gettext("A person may have %(most)s endpoints: remove one first.") % {"most": MOST_ENDPOINTS},
                "url",
            )
        made = cls.objects.create(owner=owner, url=url, kinds=kinds, secret=new_secret())
        return made, made.secret

    def renew_secret(self) -> str:
        """Give the endpoint another secret; the old one signs too for a day, so that nothing is missed."""
        self.old_secret, self.old_secret_until = self.secret, timezone.now() + OVERLAP
        self.secret = new_secret()
        self.save(update_fields=["secret", "old_secret", "old_secret_until"])
        return self.secret

    @property
    def secrets(self) -> list[str]:
        """The secrets that sign now, the newest first."""
        is_valid = self.old_secret_until is not None and self.old_secret_until > timezone.now()
        return [self.secret, self.old_secret] if is_valid else [self.secret]

    def start(self) -> None:
        """Listen to it again, where it had stopped."""
        self.stopped_text = ""
        self.save(update_fields=["stopped_text"])

    def remove(self) -> None:
        """Send nothing to it any more; what was sent stays in the log."""
        type(self).objects.filter(pk=self.pk).update(removed_at=Now(), secret="", old_secret="")
        self.notices.filter(status=Notice.Status.WAITING).update(
            status=Notice.Status.FAILED, next_try_at=None, last_answer="The endpoint was removed."
        )


class NoticeQuerySet(models.QuerySet):
    """Questions about notices."""

    def due(self) -> "NoticeQuerySet":
        """Those that wait for a try whose time has come (by the database's clock)."""
        return self.filter(status=Notice.Status.WAITING, next_try_at__lte=Now())

    def visible_to(self, user: Any) -> "NoticeQuerySet":
        """A person's own, and those of the orders that the person may see."""
        if not user.is_authenticated:
            return self.none()
        orders = Order.objects.visible_to(user).values("pk")
        return self.filter(Q(recipient=user) | Q(order__in=orders))


class Notice(models.Model):
    """One thing to tell to one recipient, by mail or to one endpoint; written with the end it tells of."""

    class Status(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=30)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, null=True, blank=True, related_name="notices", help_text="none: by mail"
    )
    order = models.ForeignKey(Order, models.CASCADE, null=True, blank=True, related_name="notices")
    delivery = models.ForeignKey(Delivery, models.CASCADE, null=True, blank=True, related_name="notices")
    body = models.TextField(help_text="JSON, as it is signed and sent")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    last_answer = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        """The newest first; legal states only."""

        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "sent", "failed"]), name="notice_status_legal"
            ),
            models.CheckConstraint(condition=Q(kind__in=KINDS), name="notice_kind_known"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(status="waiting"), name="notice_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def channel(self) -> str:
        """Mail or webhook."""
        return "mail" if self.endpoint_id is None else "webhook"

    @property
    def where(self) -> str:
        """The address it goes to."""
        return self.endpoint.url if self.endpoint else self.recipient.email

    @property
    def message_id(self) -> str:
        """What receivers know a notice by, the same in each try."""
        return f"msg_{self.uid.hex}"

    @property
    def is_last_try(self) -> bool:
        """Whether no further try follows the present one."""
        return self.attempts > len(settings.NOTICE_PAUSES)

    def claim(self) -> bool:
        """Take the next try, unless somebody else does; it is put off first, so that no crash repeats it."""
        wait = max(_pause(self.attempts + 1), CLAIM_SECONDS)
        taken = type(self).objects.due().filter(pk=self.pk, attempts=self.attempts)
        if not taken.update(attempts=F("attempts") + 1, next_try_at=Now() + timedelta(seconds=wait)):
            return False
        self.refresh_from_db()
        return True

    def end(self, status: str, text: str) -> bool:
        """End the notice, unless it was asked for anew meanwhile."""
        return bool(
            self._claimed().update(
                status=status, next_try_at=None, last_answer=text[:MOST_TEXT], ended_at=Now()
            )
        )

    def put_off(self, text: str, at_least: float = 0.0) -> None:
        """Wait for the next try, for the pause that follows this one or what the receiver asks for."""
        wait = max(_pause(self.attempts), at_least)
        self._claimed().update(next_try_at=Now() + timedelta(seconds=wait), last_answer=text[:MOST_TEXT])

    def again(self) -> None:
        """Send it again from the first try on, under the same id.

        Raises:
            UsageError: its endpoint is gone.
        """
        if self.endpoint and self.endpoint.removed_at:
            raise UsageError(gettext("The endpoint of this notice was removed."), "endpoint")
        if self.endpoint and self.endpoint.stopped_text:
            raise UsageError(gettext("The endpoint of this notice has stopped: test it first."), "endpoint")
        type(self).objects.filter(pk=self.pk).update(
            status=self.Status.WAITING, attempts=0, next_try_at=Now(), ended_at=None
        )
        self.refresh_from_db()

    def _claimed(self) -> models.QuerySet:
        return type(self).objects.filter(pk=self.pk, attempts=self.attempts, status=self.Status.WAITING)


def _pause(attempts: int) -> float:
    """Seconds between the try of a number, from 1, and the next."""
    pauses = settings.NOTICE_PAUSES
    return pauses[min(attempts, len(pauses)) - 1] if pauses else CLAIM_SECONDS


class Attempt(models.Model):
    """One try to send a notice, and what came of it."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="tries")
    at = models.DateTimeField(db_default=Now(), editable=False)
    status_code = models.PositiveIntegerField(null=True, help_text="of HTTP, where there was an answer")
    text = models.TextField(blank=True, help_text="how the answer begins, or why there was none")
    seconds = models.FloatField()

    class Meta:
        """The newest first."""

        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.notice_id}: {self.status_code or self.text}"
