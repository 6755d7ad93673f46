"""The history: every change of a state, with who, when and why."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from webapp.campaigns.words import words_of

if TYPE_CHECKING:
    from webapp.accounts.models import User


class Event(models.Model):
    """One change of the status of a tile, build, revision, edition or order; never changed or removed."""

    subject = models.CharField(max_length=20, help_text="tile, build, revision, edition, order or campaign")
    subject_id = models.BigIntegerField()
    campaign = models.ForeignKey("campaigns.Campaign", models.CASCADE, related_name="events")
    tile_name = models.CharField(max_length=5, blank=True)
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20)
    text = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """Order and indexes."""

        ordering = ["id"]
        indexes = [
            models.Index(fields=["subject", "subject_id"], name="event_subject"),
            models.Index(fields=["campaign", "tile_name", "id"], name="event_tile"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id}: {self.before or 'new'} to {self.after}"

    @property
    def words(self) -> str:
        """What became what, in the reader's language."""
        return words_of(self.subject, self.after)


class Stateful(models.Model):
    """A row with a status that changes by compare and swap and writes its history."""

    MOVES: dict[str, tuple[str, ...]] = {}

    class Meta:
        """No table of its own."""

        abstract = True

    @property
    def subject(self) -> str:
        """The word for this kind of row in the history."""
        return {"campaigntile": "tile"}.get(self._meta.model_name or "", self._meta.model_name or "")

    def move(self, to: str, text: str = "", by: "User | None" = None, **values: Any) -> bool:
        """Change the status, if it is still the one this object knows, together with other fields.

        Args:
            to: the new status.
            text: why, for people.
            by: who did it; None where the machine did.
            **values: other fields to set in the same statement.

        Returns:
            False where somebody else changed the status first; nothing was written then.

        Raises:
            ValueError: the new status may not follow the old one.
        """
        return self.move_where({"status": self.status}, to, text, by, **values)

    def move_where(
        self, still: Mapping[str, Any], to: str, text: str = "", by: "User | None" = None, **values: Any
    ) -> bool:
        """As `move`, where the row still has some values, the status among them."""
        # Not this object's: it has the new one where the step is tried again, since its answer was lost.
        before = still["status"]
        if to not in self.MOVES[before]:
            raise ValueError(f"A {self.subject} that is {before} cannot become {to}.")
        # A transaction around this one is not given a savepoint: nothing here fails and is then gone on from.
        with transaction.atomic(savepoint=False):
            if not type(self).objects.filter(pk=self.pk, **still).update(status=to, **values):
                return False
            self.know({"status": to, **values})
            self.remember(before, to, text, by)
        return True

    def know(self, values: Mapping[str, Any]) -> None:
        """Take over fields that were just written; what the database worked out is read when asked for."""
        for name, value in values.items():
            if hasattr(value, "resolve_expression"):
                self.__dict__.pop(self._meta.get_field(name).attname, None)
            else:
                setattr(self, name, value)

    def remember(self, before: str, after: str, text: str = "", by: "User | None" = None) -> Event:
        """Write a line of the history."""
        event = self.event(before, after, text, by)
        event.save()
        return event

    @classmethod
    def remember_all(
        cls, rows: Iterable[Self], before: str, text: Callable[[Self], str] = lambda row: ""
    ) -> None:
        """Write a line of the history of each of some rows, which have their new status."""
        Event.objects.bulk_create([row.event(before, row.status, text(row)) for row in rows])

    def event(self, before: str, after: str, text: str = "", by: "User | None" = None) -> Event:
        """A line of the history, not written yet."""
        return Event(
            subject=self.subject,
            subject_id=self.pk,
            campaign_id=self.campaign_id,
            tile_name=getattr(self, "tile_name", ""),
            before=before,
            after=after,
            text=text,
            by=by,
        )
