"""Fields that several serializers use."""

import json
from typing import Any

import shapely
from django.contrib.gis.geos import GEOSGeometry
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


def nullable(kind: str, source: str) -> serializers.Field:
    """A field of a related row that there may not be."""
    known = {"integer": serializers.IntegerField, "string": serializers.CharField}
    return known[kind](source=source, default=None, read_only=True, allow_null=True)


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
