"""Keys as the API writes and reads them."""

import re
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from webapp.campaigns.models import Campaign
from webapp.keys.models import KeyUse, MapKey
from webapp.tileserver.layers import LAYERS

HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MOST_PER_MINUTE = 100_000
MOST_REFERRERS = 20


class CampaignField(serializers.SlugRelatedField):
    """Campaigns that the person may see."""

    def get_queryset(self) -> Any:
        """Look among those only."""
        return Campaign.objects.visible_to(self.context["request"].user)


class MapKeySerializer(serializers.ModelSerializer):
    """A key without itself: it is told once, when it is made."""

    campaigns = CampaignField(slug_field="slug", many=True, required=False, queryset=Campaign.objects.none())
    layers = serializers.ListField(child=serializers.ChoiceField(list(LAYERS)), required=False)
    referrers = serializers.ListField(
        child=serializers.CharField(max_length=253), required=False, max_length=MOST_REFERRERS
    )
    per_minute = serializers.IntegerField(min_value=1, max_value=MOST_PER_MINUTE, required=False)

    class Meta:
        """What is told and what may be set."""

        model = MapKey
        read_only_fields = ("id", "shown", "created_at", "revoked_at")
        fields = (*read_only_fields, "name", "campaigns", "layers", "referrers", "per_minute")

    def validate_referrers(self, value: list[str]) -> list[str]:
        """Take hosts only, in lower case."""
        hosts = [host.strip().lower() for host in value]
        for host in hosts:
            if not HOST.fullmatch(host):
                told = gettext("%(host)s is no host: write maps.example.org or *.example.org.")
                raise serializers.ValidationError(told % {"host": host})
        return hosts


class NewMapKeySerializer(MapKeySerializer):
    """A key that was just made, with itself."""

    key = serializers.CharField(read_only=True)

    class Meta(MapKeySerializer.Meta):
        """The same and the key."""

        fields = (*MapKeySerializer.Meta.fields, "key")


class KeyUseSerializer(serializers.ModelSerializer):
    """One day of a key."""

    class Meta:
        """The day and its numbers."""

        model = KeyUse
        fields = ("day", "answered", "refused")
