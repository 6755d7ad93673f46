"""The API of areas: what was read from a file, a box or a name, and a quote at once."""

import json
from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from shapely.geometry import mapping

from pipeline.area_files import AreaFile
from pipeline.errors import UsageError
from webapp.campaigns.api import REFUSALS
from webapp.campaigns.models import Campaign
from webapp.orders.places import MOST_KM, find_places
from webapp.orders.serializers import QuoteSerializer, check_file
from webapp.orders.services import Area, quote
from webapp.orders.uploads import of_box, of_place, read_upload
from webapp.told import told

WAYS = ("file", "bbox", "place")


class GivenAreaSerializer(serializers.Serializer):
    """An area, as one of `file`, `bbox`, `place`, and the campaign that a quote is wanted for."""

    campaign = serializers.SlugField(required=False, help_text="slug of a campaign that you may see")
    file = serializers.FileField(
        required=False, help_text="GeoJSON, zipped Shapefile, KML, KMZ or GeoPackage"
    )
    bbox = serializers.CharField(required=False, max_length=200, help_text="west,south,east,north in degrees")
    place = serializers.CharField(
        required=False, max_length=100, help_text="name of a city: Graz, or Graz, AT"
    )
    km = serializers.FloatField(
        default=50.0, min_value=1, max_value=MOST_KM, help_text="side of the square around the place"
    )

    def validate_file(self, value: Any) -> bytes:
        """The content of the file, if it is not too large."""
        return check_file(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one way; a campaign that the person may see."""
        given = [name for name in WAYS if attrs.get(name) is not None]
        if len(given) != 1:
            raise serializers.ValidationError(
                {"file": gettext("Give the area once: as file, bbox or place.")}
            )
        campaign = None
        if "campaign" in attrs:
            user = self.context["request"].user
            campaign = Campaign.objects.visible_to(user).filter(slug=attrs["campaign"]).first()
            if campaign is None:
                raise serializers.ValidationError(
                    {"campaign": gettext("There is no campaign '%(slug)s'.") % {"slug": attrs["campaign"]}}
                )
        return {**attrs, "campaign": campaign, "way": given[0]}

    def read(self) -> AreaFile:
        """The area.

        Raises:
            UsageError: with the field it was given in.
        """
        asked = self.validated_data
        try:
            if asked["way"] == "file":
                return read_upload(asked["file"])
            return of_box(asked["bbox"]) if asked["way"] == "bbox" else of_place(asked["place"], asked["km"])
        except UsageError as error:
            field = error.field if error.field in ("km", "place", "bbox") else asked["way"]
            raise UsageError(error.args[0], field) from error


class ReadAreaSerializer(serializers.Serializer):
    """What was read, and what it would mean to order it."""

    geometry = serializers.JSONField(help_text="MultiPolygon, longitude and latitude on WGS 84")
    kind = serializers.CharField(help_text="what it was read from")
    crs = serializers.CharField(help_text="the reference system it was in")
    repairs = serializers.ListField(child=serializers.CharField(), help_text="sentences")
    quote = QuoteSerializer()


class AreaView(APIView):
    """Areas from files, boxes and names; for those signed in."""

    permission_classes = [IsAuthenticated]

    @extend_schema(request=GivenAreaSerializer, responses={200: ReadAreaSerializer, **REFUSALS})
    def post(self, request: Request) -> HttpResponseBase:
        """The geometry of an area, what was repaired, and a quote; nothing is ordered."""
        asked = GivenAreaSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        found = asked.read()
        return Response(
            {
                "geometry": json.loads(json.dumps(mapping(found.area))),
                "kind": found.kind,
                "crs": found.crs,
                "repairs": [told(words) for words in found.repairs],
                "quote": QuoteSerializer(
                    quote(Area.of_outline(found.area), asked.validated_data["campaign"], request.user)
                ).data,
            }
        )


class PlaceSerializer(serializers.Serializer):
    """A place of the gazetteer (GeoNames, CC BY 4.0)."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    country = serializers.CharField(help_text="two letters")
    population = serializers.IntegerField()
    longitude = serializers.FloatField()
    latitude = serializers.FloatField()
    label = serializers.CharField(help_text="what `place` takes")


class PlaceQuery(serializers.Serializer):
    """Which places."""

    name = serializers.CharField(max_length=100, help_text="a name or its beginning")


class PlacesView(APIView):
    """Cities by name; for those signed in."""

    permission_classes = [IsAuthenticated]

    @extend_schema(parameters=[PlaceQuery], responses={200: PlaceSerializer(many=True), **REFUSALS})
    def get(self, request: Request) -> Response:
        """Up to ten places, the largest first."""
        query = PlaceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = find_places(query.validated_data["name"])
        return Response(PlaceSerializer([place.to_json() for place in found], many=True).data)
