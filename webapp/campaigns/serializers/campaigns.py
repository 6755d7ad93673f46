"""How campaigns, editions and the history look in the API."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from pipeline.errors import ModelError, UsageError
from pipeline.redaction import redacted
from pipeline.settings import CampaignSettings
from webapp.accounts import roles
from webapp.campaigns import sources
from webapp.campaigns.models import (
    Campaign,
    Edition,
    EditionTile,
    Event,
)
from webapp.campaigns.networks import chosen
from webapp.campaigns.serializers.fields import nullable
from webapp.campaigns.serializers.settings import SettingsField
from webapp.told import told


class CampaignSerializer(serializers.ModelSerializer):
    """A campaign; its source is shown to those who work with it."""

    settings = SettingsField()
    settings_fixed = serializers.BooleanField(source="has_builds", read_only=True)
    tile_count = serializers.IntegerField(read_only=True, help_text="tiles that were ever asked for")
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
            "tile_count",
            "latest_edition",
            "created_at",
        )
        read_only_fields = ("slug", "created_at")

    def validate_catalog(self, value: str) -> str:
        """A source that this server may read; one that is sent as it was shown, without its key, stays."""
        if self.instance and value == redacted(self.instance.catalog):
            return str(self.instance.catalog)
        try:
            sources.require(value)
        except UsageError as error:
            raise serializers.ValidationError(told(error)) from error
        return value

    def validate_settings(self, value: Any) -> Any:
        """Settings that a campaign can have."""
        try:
            wanted = CampaignSettings.from_json(value)
            chosen(wanted.networks).check()
            return wanted.to_json()
        except UsageError as error:
            raise serializers.ValidationError({error.field or "settings": [told(error)]}) from error
        except ModelError as error:
            raise serializers.ValidationError({"networks": [told(error)]}) from error

    def to_representation(self, instance: Campaign) -> dict[str, Any]:
        """Leave the source out for visitors."""
        shown = super().to_representation(instance)
        if not roles.sees_everything(self.context["request"].user):
            shown.pop("catalog")
        else:
            shown["catalog"] = redacted(shown["catalog"])
        return shown


class CampaignDescription(OpenApiSerializerExtension):
    """How the API's description tells that visitors get no source."""

    target_class = CampaignSerializer

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """The shape, with the source optional in answers."""
        shape: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if direction == "response":
            shape["required"].remove("catalog")
        return shape


class WeightsSerializer(serializers.Serializer):
    """Weights that a campaign may pin."""

    name = serializers.CharField(source="card.name", help_text="of the network")
    version = serializers.CharField(source="card.version")
    sha256 = serializers.CharField(source="card.sha256", help_text="of the weights file")
    pin = serializers.CharField(help_text="what `settings.networks` of a campaign says")
    ships = serializers.BooleanField(source="shipped", help_text="whether they are those of this release")
    bands = serializers.ListField(source="card.bands", child=serializers.CharField())
    classes = serializers.ListField(source="card.classes", child=serializers.CharField())
    made_from = serializers.CharField(source="card.made_from", help_text="what training started with")


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


class WithdrawalSerializer(serializers.Serializer):
    """Why an edition is taken back."""

    words = serializers.CharField(max_length=500)


class EventSerializer(serializers.ModelSerializer):
    """A line of the history."""

    by = nullable("string", "by.username")

    class Meta:
        """Fields."""

        model = Event
        fields = ("subject", "subject_id", "tile_name", "before", "after", "text", "by", "at")
