"""How the queue looks in the API."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from webapp.campaigns.models import Campaign
from webapp.review.models import Opinion, QueueEntry, Reason, Verdict


class QueueQuery(serializers.Serializer):
    """Which part of the queue."""

    campaign = serializers.SlugRelatedField(
        slug_field="slug", queryset=Campaign.objects.all(), required=False, help_text="only this one's"
    )


class NextQuery(QueueQuery):
    """What to take next."""

    skip = serializers.ListField(
        child=serializers.IntegerField(), max_length=500, required=False, help_text="entries left for later"
    )


class GroundSerializer(serializers.Serializer):
    """A figure and what it counts."""

    key = serializers.CharField()
    title = serializers.CharField()
    value = serializers.FloatField()
    words = serializers.CharField(help_text="the figure as people read it")
    points = serializers.FloatField(help_text="what it adds to the priority")
    most = serializers.IntegerField(help_text="what it could add at most")


class QueueEntrySerializer(serializers.ModelSerializer):
    """A revision that waits for a verdict."""

    campaign = serializers.CharField(source="revision.campaign_tile.campaign.slug", read_only=True)
    tile = serializers.CharField(source="revision.campaign_tile.tile_id", read_only=True)
    revision = serializers.IntegerField(source="revision_id", read_only=True)
    revision_number = serializers.IntegerField(source="revision.number", read_only=True)
    build = serializers.IntegerField(source="revision.build_id", read_only=True)
    build_number = serializers.IntegerField(source="revision.build.number", read_only=True)
    grounds = GroundSerializer(many=True, read_only=True)
    held_by = serializers.SerializerMethodField(help_text="who holds it now")
    held_until = serializers.SerializerMethodField(help_text="until when nobody else can take it")
    mine = serializers.SerializerMethodField(help_text="whether you hold it")

    class Meta:
        """Fields."""

        model = QueueEntry
        fields = (
            "id",
            "kind",
            "campaign",
            "tile",
            "revision",
            "revision_number",
            "build",
            "build_number",
            "priority",
            "grounds",
            "held_by",
            "held_until",
            "mine",
            "created_at",
            "done_at",
        )

    def _held(self, entry: QueueEntry) -> bool:
        return bool(entry.held_by and entry.held_until and entry.held_until >= timezone.now())

    def get_held_by(self, entry: QueueEntry) -> str | None:
        """The name, while the hold lasts."""
        return entry.held_by.get_username() if entry.held_by and self._held(entry) else None

    def get_held_until(self, entry: QueueEntry) -> str | None:
        """The end of the hold, while it lasts."""
        return entry.held_until.isoformat() if entry.held_until and self._held(entry) else None

    def get_mine(self, entry: QueueEntry) -> bool:
        """Whether the visitor holds it."""
        return self._held(entry) and entry.held_by_id == self.context["request"].user.pk


class NextSerializer(serializers.Serializer):
    """The entry that was taken."""

    entry = QueueEntrySerializer(allow_null=True)


class OpinionSerializer(serializers.ModelSerializer):
    """A second opinion."""

    verdict = serializers.ChoiceField(Verdict.choices)
    reason = serializers.ChoiceField(Reason.choices, required=False, allow_blank=True)
    reviewer = serializers.CharField(source="reviewer.username", read_only=True)

    class Meta:
        """Fields."""

        model = Opinion
        fields = ("id", "verdict", "reason", "words", "reviewer", "created_at")
        extra_kwargs = {"words": {"max_length": 2000}}
        validators: list[Any] = []
