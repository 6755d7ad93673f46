"""How builds, their candidates and revisions look in the API."""

from rest_framework import serializers

from webapp.campaigns.models import (
    Build,
    Revision,
    Scene,
)
from webapp.campaigns.serializers.fields import nullable


class SceneSerializer(serializers.ModelSerializer):
    """A candidate of a build."""

    id = serializers.CharField(source="scene_id", read_only=True)
    partial = serializers.SerializerMethodField(
        help_text="share of its blocks that was fetched, 0..1, where the scene did not come whole"
    )

    class Meta:
        """Fields."""

        model = Scene
        fields = (
            "id",
            "datetime",
            "cloud_cover",
            "clear_share",
            "hazy",
            "chosen",
            "rank",
            "reason",
            "partial",
        )

    def get_partial(self, scene: Scene) -> float | None:
        """From the report of a finished build."""
        return (scene.build.report or {}).get("shares_fetched", {}).get(scene.scene_id)


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


class WorkQuery(serializers.Serializer):
    """Which builds or revisions."""

    campaign = serializers.SlugField(required=False)
    tile = serializers.RegexField("^[0-9A-Z]{5}$", required=False)
    status = serializers.SlugField(required=False)
    review_status = serializers.SlugField(required=False)
