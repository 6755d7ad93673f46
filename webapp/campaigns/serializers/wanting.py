"""How many tiles of a campaign are asked for in the API."""

from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from pipeline.errors import UsageError
from pipeline.land import LandLimits
from webapp.campaigns.wanting import names_as_given, names_of_area, names_of_land
from webapp.orders.aoi import read_aoi
from webapp.told import told

LIMITS = LandLimits()
MOST_TILES = 60_000


class LandSerializer(serializers.Serializer):
    """All land within limits."""

    north = serializers.FloatField(default=LIMITS.north, help_text="degrees; what lies beyond is left out")
    south = serializers.FloatField(default=LIMITS.south, help_text="degrees; what lies beyond is left out")
    island_km2 = serializers.FloatField(default=LIMITS.island_km2, help_text="smaller islands are left out")


class WantSerializer(serializers.Serializer):
    """Tiles that are asked for: of all land, of an area, or by name; one of these."""

    land = LandSerializer(required=False)
    aoi = serializers.JSONField(required=False, help_text="a GeoJSON area")
    tiles = serializers.ListField(
        child=serializers.CharField(max_length=6), required=False, max_length=MOST_TILES, allow_empty=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Find the names of the tiles.

        Raises:
            ValidationError: none or several are asked for, or they cannot be had.
        """
        if len(attrs) != 1:
            raise serializers.ValidationError(gettext("Exactly one of land, aoi and tiles is needed."))
        try:
            return {"names": self._names(attrs)}
        except UsageError as error:
            raise serializers.ValidationError({error.field or "aoi": [told(error)]}) from error

    def _names(self, attrs: dict[str, Any]) -> list[str]:
        if "land" in attrs:
            return names_of_land(LandLimits(**attrs["land"]))
        if "tiles" in attrs:
            return names_as_given(attrs["tiles"])
        return names_of_area(read_aoi(attrs["aoi"], limited=False))


class WantedSerializer(serializers.Serializer):
    """What came of it."""

    tiles = serializers.IntegerField(help_text="that are wanted now")
    new = serializers.IntegerField(help_text="of these, that had not been asked for")
