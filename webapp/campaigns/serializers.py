"""How campaigns, tiles, builds, revisions and editions look in the API."""

import json
from typing import Any, Literal

import shapely
from django.contrib.gis.geos import GEOSGeometry
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from pipeline.errors import UsageError
from pipeline.settings import CampaignSettings
from webapp.accounts import roles
from webapp.campaigns.models import (
    Build,
    Campaign,
    CampaignTile,
    Edition,
    EditionTile,
    Event,
    Revision,
    Scene,
)
from webapp.campaigns.states import ReviewStatus, Stage


def nullable(kind: str, source: str) -> serializers.Field:
    """A field of a related row that there may not be."""
    known = {"integer": serializers.IntegerField, "string": serializers.CharField}
    return known[kind](source=source, default=None, read_only=True, allow_null=True)


class CampaignSerializer(serializers.ModelSerializer):
    """A campaign; its source is shown to those who work with it."""

    settings_fixed = serializers.BooleanField(source="has_builds", read_only=True)
    latest_edition = serializers.IntegerField(read_only=True, allow_null=True, source="latest_number")

    class Meta:
        """Fields."""

        model = Campaign
        fields = (
            "slug",
            "name",
            "catalog",
            "settings",
            "is_public",
            "settings_fixed",
            "latest_edition",
            "created_at",
        )
        read_only_fields = ("slug", "created_at")

    def validate_settings(self, value: Any) -> Any:
        """Settings that a campaign can have."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("The settings must be an object.")
        try:
            return CampaignSettings.from_json(value).to_json()
        except UsageError as error:
            raise serializers.ValidationError({error.field or "settings": [str(error)]}) from error
        except (TypeError, AttributeError) as error:
            message = f"The settings are incomplete or of the wrong type: {error}."
            raise serializers.ValidationError(message) from error

    def to_representation(self, instance: Campaign) -> dict[str, Any]:
        """Leave the source out for visitors."""
        shown = super().to_representation(instance)
        if not roles.sees_everything(self.context["request"].user):
            shown.pop("catalog")
        return shown


@extend_schema_field(
    {
        "type": "object",
        "description": "GeoJSON geometry",
        "properties": {"type": {"type": "string"}, "coordinates": {"type": "array", "items": {}}},
    }
)
class GeometryField(serializers.Field):
    """A geometry as GeoJSON."""

    def to_representation(self, value: GEOSGeometry) -> dict[str, Any]:
        """Longitude and latitude, 7 decimals (about a centimetre)."""
        shown = shapely.set_precision(shapely.from_wkb(bytes(value.wkb)), 1e-7, mode="pointwise")
        return json.loads(shapely.to_geojson(shown))


class NumberedSerializer(serializers.Serializer):
    """A build or revision by its key and its number."""

    id = serializers.IntegerField(source="pk")
    number = serializers.IntegerField()


class TilePropertiesSerializer(serializers.ModelSerializer):
    """How far a tile of a campaign is."""

    name = serializers.CharField(source="tile_id", read_only=True)
    status_text = serializers.SerializerMethodField(help_text="why it is so, for those who have a role")
    stage = serializers.ChoiceField(Stage.choices, allow_null=True, help_text="of the build under way")
    build = NumberedSerializer(source="current_build", read_only=True, allow_null=True)
    revision = NumberedSerializer(source="current_revision", read_only=True, allow_null=True)
    review = serializers.ChoiceField(
        ReviewStatus.choices, source="current_revision.review_status", default=None, allow_null=True
    )
    pending = serializers.BooleanField(help_text="whether a newer revision is to come")
    coverage = serializers.FloatField(allow_null=True, help_text="0..1")

    class Meta:
        """Fields."""

        model = CampaignTile
        fields = (
            "name",
            "status",
            "status_text",
            "stage",
            "build",
            "revision",
            "review",
            "pending",
            "coverage",
            "changed_at",
        )
        read_only_fields = fields

    def get_status_text(self, tile: CampaignTile) -> str:
        """The sentence, which may name the source."""
        return tile.status_text if roles.roles_of(self.context["request"].user) else ""


class TileSerializer(serializers.Serializer):
    """A tile of a campaign as a GeoJSON feature."""

    type = serializers.SerializerMethodField()
    id = serializers.CharField(source="tile_id", read_only=True)
    geometry = GeometryField(source="tile.footprint", read_only=True)
    properties = TilePropertiesSerializer(source="*", read_only=True)

    def get_type(self, tile: CampaignTile) -> Literal["Feature"]:
        """What GeoJSON calls it."""
        return "Feature"


class TilesSerializer(serializers.Serializer):
    """Tiles as a GeoJSON feature collection."""

    type = serializers.CharField(read_only=True)
    features = TileSerializer(many=True, read_only=True)


class SceneSerializer(serializers.ModelSerializer):
    """A candidate of a build."""

    id = serializers.CharField(source="scene_id", read_only=True)

    class Meta:
        """Fields."""

        model = Scene
        fields = ("id", "datetime", "cloud_cover", "clear_share", "hazy", "chosen", "rank", "reason")


class TileDetailSerializer(TilePropertiesSerializer):
    """A tile with the figures of its current revision, its scenes and its last rejection."""

    residual_cloud = serializers.SerializerMethodField(help_text="0..1")
    seam_score = serializers.SerializerMethodField(help_text="ratio; 1 where no seam can be told")
    warnings = serializers.SerializerMethodField()
    rejection = serializers.SerializerMethodField(help_text="why the current revision was rejected")
    scenes = serializers.SerializerMethodField(help_text="candidates of the current build, or of the newest")

    class Meta(TilePropertiesSerializer.Meta):
        """Fields."""

        fields = (
            *TilePropertiesSerializer.Meta.fields,
            "residual_cloud",
            "seam_score",
            "warnings",
            "rejection",
            "scenes",
        )
        read_only_fields = fields

    def get_residual_cloud(self, tile: CampaignTile) -> float | None:
        """Share of the tile that is still cloud, as estimated."""
        return tile.figures.get("residual_cloud")

    def get_seam_score(self, tile: CampaignTile) -> float | None:
        """How visible the seams are."""
        return tile.figures.get("seam_score")

    def get_warnings(self, tile: CampaignTile) -> list[str]:
        """Sentences of the report, for those who have a role."""
        return tile.figures.get("warnings", []) if roles.roles_of(self.context["request"].user) else []

    def get_rejection(self, tile: CampaignTile) -> str:
        """Reason and words of the verdict, for reviewers and operators."""
        if not roles.sees_everything(self.context["request"].user) or tile.current_revision is None:
            return ""
        review = tile.current_revision.reviews.first()
        return (
            f"Rejected: {review.get_reason_display()}. {review.words}".strip()
            if review and review.reason
            else ""
        )

    @extend_schema_field(SceneSerializer(many=True))
    def get_scenes(self, tile: CampaignTile) -> list[dict[str, Any]]:
        """Candidates with rank first."""
        build = tile.current_build or tile.builds.order_by("-number").first()
        return SceneSerializer(build.scenes.all(), many=True).data if build else []


class BuildSerializer(serializers.ModelSerializer):
    """A build."""

    campaign = serializers.CharField(source="campaign_tile.campaign.slug", read_only=True)
    tile = serializers.CharField(source="campaign_tile.tile_id", read_only=True)

    class Meta:
        """Fields."""

        model = Build
        fields = (
            "id",
            "campaign",
            "tile",
            "number",
            "stage",
            "status",
            "error",
            "overrides",
            "created_at",
            "started_at",
            "finished_at",
        )


class BuildDetailSerializer(BuildSerializer):
    """A build with its candidates and figures."""

    scenes = SceneSerializer(many=True, read_only=True)

    class Meta(BuildSerializer.Meta):
        """Fields."""

        fields = (*BuildSerializer.Meta.fields, "scenes", "report")


class RevisionSerializer(serializers.ModelSerializer):
    """A revision."""

    campaign = serializers.CharField(source="campaign_tile.campaign.slug", read_only=True)
    tile = serializers.CharField(source="campaign_tile.tile_id", read_only=True)
    build = nullable("integer", "build.number")

    class Meta:
        """Fields."""

        model = Revision
        fields = (
            "id",
            "campaign",
            "tile",
            "number",
            "status",
            "review_status",
            "build",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        )


class RevisionDetailSerializer(RevisionSerializer):
    """A revision with its figures and the builds that it was made from."""

    builds = BuildSerializer(many=True, read_only=True)

    class Meta(RevisionSerializer.Meta):
        """Fields."""

        fields = (*RevisionSerializer.Meta.fields, "builds", "report")


class EditionTileSerializer(serializers.ModelSerializer):
    """One line of an edition."""

    tile = serializers.CharField(source="tile_id", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)

    class Meta:
        """Fields."""

        model = EditionTile
        fields = ("tile", "revision")


class EditionSerializer(serializers.ModelSerializer):
    """An edition with its table."""

    campaign = serializers.CharField(source="campaign.slug", read_only=True)
    tiles = EditionTileSerializer(many=True, read_only=True)

    class Meta:
        """Fields."""

        model = Edition
        fields = ("campaign", "number", "published_at", "tiles")


class EventSerializer(serializers.ModelSerializer):
    """A line of the history."""

    by = nullable("string", "by.username")

    class Meta:
        """Fields."""

        model = Event
        fields = ("subject", "subject_id", "tile_name", "before", "after", "text", "by", "at")


class BoxQuery(serializers.Serializer):
    """Which tiles."""

    bbox = serializers.CharField(required=False, help_text="west,south,east,north in degrees")

    def validate_bbox(self, value: str) -> tuple[float, float, float, float]:
        """Four numbers in range, the smaller first."""
        try:
            west, south, east, north = (float(part) for part in value.split(","))
        except ValueError as error:
            raise serializers.ValidationError(f"{value!r} is not west,south,east,north.") from error
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise serializers.ValidationError(f"{value!r} is not west,south,east,north in degrees.")
        return west, south, east, north


class WorkQuery(serializers.Serializer):
    """Which builds or revisions."""

    campaign = serializers.SlugField(required=False)
    tile = serializers.RegexField("^[0-9A-Z]{5}$", required=False)
    status = serializers.SlugField(required=False)
    review_status = serializers.SlugField(required=False)
