"""How reviews look in the API."""

import json
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from pipeline.errors import UsageError
from webapp.campaigns.models import CampaignTile, Override, Revision, Scene
from webapp.campaigns.serializers import GeometryField
from webapp.campaigns.services import check_dates
from webapp.review.answers import Drawing, outline_of
from webapp.review.models import Defect, Reason, Review, Verdict
from webapp.review.services import Wish
from webapp.told import told

MOST_BYTES = 200_000
# What is asked in words; the other kinds follow from what is drawn.
NAMED = (Override.Kind.EXCLUDE, Override.Kind.FORCE, Override.Kind.DATES)
WISHES = [(kind.value, kind.label) for kind in NAMED]


class WishSerializer(serializers.Serializer):
    """What the reviewer asks of the next build: a scene left out or used, or other dates."""

    kind = serializers.ChoiceField(
        [
            (kind.value, kind.label)
            for kind in (Override.Kind.EXCLUDE, Override.Kind.FORCE, Override.Kind.DATES)
        ]
    )
    scene = serializers.CharField(required=False, max_length=200)
    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What belongs to the kind, and nothing impossible."""
        if attrs["kind"] != Override.Kind.DATES:
            if "scene" not in attrs:
                raise serializers.ValidationError({"scene": gettext("Say which scene.")})
            return {"kind": attrs["kind"], "content": {"scene": attrs["scene"]}}
        dates = {name: attrs[name] for name in ("start", "end") if name in attrs}
        if not dates:
            raise serializers.ValidationError({"start": gettext("Say which dates: start, end or both.")})
        if len(dates) == 2 and dates["end"] < dates["start"]:
            message = gettext("The end date %(end)s lies before the start date %(start)s.") % dates
            raise serializers.ValidationError({"end": message})
        return {"kind": attrs["kind"], "content": {name: day.isoformat() for name, day in dates.items()}}


class DrawingSerializer(serializers.Serializer):
    """A defect as it was drawn: polygons, or the lines of a brush with their width."""

    kind = serializers.ChoiceField(Defect.Kind.choices)
    geometry = serializers.JSONField(help_text="GeoJSON in longitude and latitude", write_only=True)
    width = serializers.FloatField(required=False, help_text="of the brush, metres", write_only=True)
    code = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=6, help_text="of the right class"
    )
    words = serializers.CharField(required=False, allow_blank=True, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The right class where the class is wrong, and only there."""
        if (attrs["kind"] == Defect.Kind.CLASSES) != (attrs.get("code") is not None):
            words = gettext("Say which class is right, where the class is wrong and only there.")
            raise serializers.ValidationError({"code": words})
        if len(json.dumps(attrs["geometry"])) > MOST_BYTES:
            raise serializers.ValidationError({"geometry": gettext("The drawing has too many corners.")})
        return attrs


class DefectSerializer(serializers.ModelSerializer):
    """A defect that was drawn."""

    geometry = GeometryField(source="outline", read_only=True)
    asks = serializers.SerializerMethodField(help_text="what it asks of the next build")

    class Meta:
        """Fields."""

        model = Defect
        fields = ("id", "kind", "geometry", "code", "words", "asks")

    def get_asks(self, defect: Defect) -> str:
        """In words; empty where it asks for nothing."""
        return defect.override.get_kind_display() if defect.override else ""


class ReviewSerializer(serializers.ModelSerializer):
    """A verdict on a revision."""

    revision = serializers.PrimaryKeyRelatedField(queryset=Revision.objects.all())
    reviewer = serializers.CharField(source="reviewer.username", read_only=True)
    reason = serializers.ChoiceField(Reason.choices, required=False, allow_blank=True)
    verdict = serializers.ChoiceField(Verdict.choices)
    override = WishSerializer(required=False, write_only=True, help_text="one wish")
    overrides = WishSerializer(many=True, required=False, write_only=True, help_text="several wishes")
    drawings = DrawingSerializer(many=True, required=False, write_only=True, help_text="what was drawn")
    defects = DefectSerializer(many=True, read_only=True)
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
            "overrides",
            "drawings",
            "defects",
            "successor",
            "created_at",
        )
        extra_kwargs = {"words": {"max_length": 2000}}
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Scenes that are asked for must be candidates of the tile, and dates must leave a day."""
        wishes = [(None, attrs["override"])] if "override" in attrs else []
        wishes += [(index, wish) for index, wish in enumerate(attrs.get("overrides", []))]
        tile = attrs["revision"].campaign_tile
        for index, wish in wishes:
            try:
                self._check(attrs["revision"], wish["content"])
            except serializers.ValidationError as error:
                place = {"override": error.detail} if index is None else {"overrides": {index: error.detail}}
                raise serializers.ValidationError(place) from error
        attrs["wishes"] = [Wish(wish["kind"], wish["content"]) for _, wish in wishes]
        attrs["drawn"] = [self._drawing(tile, *one) for one in enumerate(attrs.get("drawings", []))]
        return attrs

    def _check(self, revision: Revision, wish: dict[str, Any]) -> None:
        tile, scene = revision.campaign_tile, wish.get("scene")
        if scene and not Scene.objects.filter(build__campaign_tile=tile, scene_id=scene).exists():
            words = gettext("%(scene)r is no candidate of %(tile)s.") % {"scene": scene, "tile": tile.tile_id}
            raise serializers.ValidationError({"scene": words})
        field = next((name for name in ("start", "end") if name in wish), None)
        if field is None:
            return
        try:
            check_dates(tile, Override.collect(tile) | wish)
        except UsageError as error:
            raise serializers.ValidationError({field: told(error)}) from error

    def _drawing(self, tile: CampaignTile, index: int, drawn: dict[str, Any]) -> Drawing:
        try:
            outline = outline_of(drawn["geometry"], tile, drawn.get("width"))
        except UsageError as error:
            raise serializers.ValidationError(
                {"drawings": {index: {error.field or "geometry": told(error)}}}
            ) from error
        return Drawing(drawn["kind"], outline, drawn.get("code"), drawn.get("words", ""))
