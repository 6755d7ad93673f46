"""The API of packed editions."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp import storage
from webapp.campaigns.models import Campaign, Edition
from webapp.problems import ProblemSerializer
from webapp.tileserver.export import KINDS
from webapp.tileserver.jobs import hint_export, packed_name
from webapp.tileserver.layers import LAYERS


class PackingSerializer(serializers.Serializer):
    """What is to be packed."""

    layer = serializers.ChoiceField(list(LAYERS), default="rgb")
    kind = serializers.ChoiceField(KINDS, default="pmtiles")


class PackedSerializer(PackingSerializer):
    """What is packed, and its size in bytes, or what is under way, without."""

    url = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)


class PackedView(APIView):
    """An edition as one file: PMTiles or MBTiles."""

    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(responses={200: PackedSerializer(many=True), 404: ProblemSerializer})
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The files that are there."""
        edition = self._edition(request, slug, number)
        told = [_told(edition, layer, kind) for layer in LAYERS for kind in KINDS]
        return Response([one for one in told if one["size"] is not None])

    @extend_schema(request=PackingSerializer, responses={202: PackedSerializer, 404: ProblemSerializer})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Have a layer packed; it can be fetched under its address when GET lists it."""
        edition = self._edition(request, slug, number)
        asked = PackingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        told = _told(edition, **asked.validated_data)
        if told["size"] is None:
            hint_export(edition, told["layer"], told["kind"])
        return Response(told, status.HTTP_202_ACCEPTED)

    def _edition(self, request: Request, slug: str, number: int) -> Edition:
        campaigns = Campaign.objects.visible_to(request.user)
        found = Edition.objects.standing().select_related("campaign").filter(campaign__in=campaigns)
        return get_object_or_404(found, campaign__slug=slug, number=number)


def _told(edition: Edition, layer: str, kind: str) -> dict[str, object]:
    size = storage.root().size("", packed_name(edition, layer, kind))
    url = f"/tiles/{edition.campaign.slug}/{edition.number}/{layer}.{kind}"
    return {"layer": layer, "kind": kind, "url": url, "size": size}
