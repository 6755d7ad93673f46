"""How reviews look in the API."""

from typing import Any

from rest_framework import serializers

from pipeline.errors import UsageError
from webapp.campaigns.models import Override, Revision, Scene
from webapp.campaigns.services import check_dates
from webapp.review.models import Reason, Review, Verdict
from webapp.review.services import Wish


class WishSerializer(serializers.Serializer):
    """What the reviewer asks of the next build: a scene left out or used, or other dates."""

    kind = serializers.ChoiceField(Override.Kind.choices)
    scene = serializers.CharField(required=False, max_length=200)
    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What belongs to the kind, and nothing impossible."""
        if attrs["kind"] != Override.Kind.DATES:
            if "scene" not in attrs:
                raise serializers.ValidationError({"scene": "Say which scene."})
            return {"kind": attrs["kind"], "content": {"scene": attrs["scene"]}}
        dates = {name: attrs[name] for name in ("start", "end") if name in attrs}
        if not dates:
            raise serializers.ValidationError({"start": "Say which dates: start, end or both."})
        if len(dates) == 2 and dates["end"] < dates["start"]:
            message = f"The end date {dates['end']} lies before the start date {dates['start']}."
            raise serializers.ValidationError({"end": message})
        return {"kind": attrs["kind"], "content": {name: day.isoformat() for name, day in dates.items()}}


class ReviewSerializer(serializers.ModelSerializer):
    """A verdict on a revision."""

    revision = serializers.PrimaryKeyRelatedField(queryset=Revision.objects.all())
    reviewer = serializers.CharField(source="reviewer.username", read_only=True)
    reason = serializers.ChoiceField(Reason.choices, required=False, allow_blank=True)
    verdict = serializers.ChoiceField(Verdict.choices)
    override = WishSerializer(required=False, write_only=True)
    successor = serializers.IntegerField(
        source="successor.number", default=None, read_only=True, allow_null=True
    )

    class Meta:
        """Fields."""

        model = Review
        fields = (
            "id",
            "revision",
            "reviewer",
            "verdict",
            "reason",
            "words",
            "override",
            "successor",
            "created_at",
        )
        extra_kwargs = {"words": {"max_length": 2000}}
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A scene that is asked for must be a candidate of the tile, and dates must leave a day."""
        wish = attrs.get("override", {}).get("content", {})
        tile = attrs["revision"].campaign_tile
        scene = wish.get("scene")
        if scene and not Scene.objects.filter(build__campaign_tile=tile, scene_id=scene).exists():
            message = f"{scene!r} is no candidate of {tile.tile_id}."
            raise serializers.ValidationError({"override": {"scene": message}})
        self._check_dates(attrs["revision"], wish)
        return attrs

    def _check_dates(self, revision: Revision, wish: dict[str, Any]) -> None:
        field = next((name for name in ("start", "end") if name in wish), None)
        if field is None:
            return
        try:
            check_dates(revision.campaign, Override.collect(revision.campaign_tile) | wish)
        except UsageError as error:
            raise serializers.ValidationError({"override": {field: str(error)}}) from error

    def wish(self) -> Wish | None:
        """What is asked, where something is."""
        asked = self.validated_data.get("override")
        return Wish(asked["kind"], asked["content"]) if asked else None
