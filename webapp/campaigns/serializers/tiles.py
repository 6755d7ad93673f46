"""How tiles of campaigns look in the API."""

from typing import Any, Literal

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.accounts import roles
from webapp.campaigns.models import (
    CampaignTile,
)
from webapp.campaigns.serializers.fields import GeometryField
from webapp.campaigns.serializers.work import SceneSerializer
from webapp.campaigns.states import ReviewStatus, Stage


class BoxQuery(serializers.Serializer):
    """Which tiles."""

    bbox = serializers.CharField(required=False, help_text="west,south,east,north in degrees")

    def validate_bbox(self, value: str) -> tuple[float, float, float, float]:
        """Four numbers in range, the smaller first."""
        try:
            west, south, east, north = (float(part) for part in value.split(","))
        except ValueError as error:
            raise serializers.ValidationError(
                gettext("%(value)r is not west,south,east,north.") % {"value": value}
            ) from error
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise serializers.ValidationError(
                gettext("%(value)r is not west,south,east,north in degrees.") % {"value": value}
            )
        return west, south, east, north


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


class OlderSceneSerializer(serializers.Serializer):
    """A scene of the older range that shows in holes."""

    id = serializers.CharField()
    datetime = serializers.DateTimeField()
    share = serializers.FloatField(help_text="of its tile, 0..1")


class FillSerializer(serializers.Serializer):
    """What shows older dates in holes, for display only."""

    share = serializers.FloatField(help_text="of the tile, 0..1")
    start = serializers.DateField(help_text="first day of the older range")
    end = serializers.DateField(help_text="last day of the older range")
    scenes = OlderSceneSerializer(many=True)


class TileDetailSerializer(TilePropertiesSerializer):
    """A tile with the figures of its current revision, its scenes and its last rejection."""

    residual_cloud = serializers.SerializerMethodField(help_text="0..1")
    seam_score = serializers.SerializerMethodField(help_text="ratio; 1 where no seam can be told")
    warnings = serializers.SerializerMethodField()
    fill = serializers.SerializerMethodField(help_text="what shows older dates in holes, where anything does")
    rejection = serializers.SerializerMethodField(help_text="why the current revision was rejected")
    scenes = serializers.SerializerMethodField(help_text="candidates of the current build, or of the newest")

    class Meta(TilePropertiesSerializer.Meta):
        """Fields."""

        fields = (
            *TilePropertiesSerializer.Meta.fields,
            "residual_cloud",
            "seam_score",
            "warnings",
            "fill",
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

    @extend_schema_field(FillSerializer(allow_null=True))
    def get_fill(self, tile: CampaignTile) -> dict[str, Any] | None:
        """Share and scenes of the older range; nothing where no hole is filled."""
        fill = tile.figures.get("fill")
        return FillSerializer(fill).data if fill and fill["share"] else None

    def get_rejection(self, tile: CampaignTile) -> str:
        """Reason and words of the verdict, for reviewers and operators."""
        if not roles.sees_everything(self.context["request"].user) or tile.current_revision is None:
            return ""
        review = tile.current_revision.reviews.first()
        if not review or not review.reason:
            return ""
        told = gettext("Rejected: %(reason)s. %(words)s")
        return (told % {"reason": review.get_reason_display(), "words": review.words}).strip()

    @extend_schema_field(SceneSerializer(many=True))
    def get_scenes(self, tile: CampaignTile) -> list[dict[str, Any]]:
        """Candidates with rank first."""
        build = tile.current_build or tile.builds.order_by("-number").first()
        return SceneSerializer(build.scenes.all(), many=True).data if build else []
