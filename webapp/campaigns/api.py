"""The API of campaigns, tiles, builds, revisions and editions."""

from typing import Any

from django.contrib.gis.geos import Polygon
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from pipeline.networks import NAMES
from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns import serializers as shapes
from webapp.campaigns.models import Build, Campaign, CampaignTile, Edition, Event, Revision, Withdrawal
from webapp.campaigns.networks import store
from webapp.campaigns.serializers.wanting import WantedSerializer, WantSerializer
from webapp.campaigns.services import rebuild
from webapp.campaigns.wanting import want_all
from webapp.pages import Pages
from webapp.problems import ProblemSerializer

SLUG = "[a-z0-9-]{1,50}"
NUMBER = "[0-9]{1,9}"
TILE = "(?P<tile>[0-9A-Z]{5})"
REFUSALS = {400: ProblemSerializer, 401: ProblemSerializer, 403: ProblemSerializer, 404: ProblemSerializer}


class CampaignViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    GenericViewSet,
):
    """Campaigns that you may see; operators make and change them."""

    serializer_class = shapes.CampaignSerializer
    permission_classes = [ByAction]
    needs = {
        "create": roles.may_operate,
        "partial_update": roles.may_operate,
        "publish": roles.may_operate,
        "rebuild": roles.may_operate,
        "take_back": roles.may_operate,
        "want": roles.may_operate,
    }
    lookup_field = "slug"
    lookup_value_regex = SLUG
    http_method_names = ["get", "post", "patch", "head", "options"]
    queryset = Campaign.objects.all()

    def get_queryset(self) -> QuerySet[Campaign]:
        """Those that the visitor may see."""
        standing = Edition.objects.standing().filter(campaign=OuterRef("pk"))
        newest = standing.order_by("-number").values("number")[:1]
        counted = CampaignTile.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign")
        return Campaign.objects.visible_to(self.request.user).annotate(
            latest_number=Subquery(newest),
            tile_count=Coalesce(Subquery(counted.annotate(count=Count("*")).values("count")), 0),
        )

    def perform_create(self, serializer: Any) -> None:
        """The operator owns what they make."""
        campaign = serializer.save(owner=self.request.user)
        campaign.latest_number, campaign.tile_count = None, 0

    @extend_schema(
        operation_id="campaigns_tiles_list",
        parameters=[shapes.BoxQuery],
        responses={200: shapes.TilesSerializer, **REFUSALS},
    )
    @action(detail=True, pagination_class=None, filter_backends=[])
    def tiles(self, request: Request, slug: str) -> Response:
        """The tiles of a campaign as GeoJSON, all or those that meet a box."""
        query = shapes.BoxQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        tiles = self._tiles(self.get_object())
        if "bbox" in query.validated_data:
            box = Polygon.from_bbox(query.validated_data["bbox"])
            box.srid = 4326
            tiles = tiles.filter(tile__footprint__intersects=box)
        collection = {"type": "FeatureCollection", "features": tiles}
        return Response(shapes.TilesSerializer(collection, context=self.get_serializer_context()).data)

    @extend_schema(request=WantSerializer, responses={200: WantedSerializer, **REFUSALS})
    @action(detail=True, methods=["post"], pagination_class=None)
    def want(self, request: Request, slug: str) -> Response:
        """Ask for the tiles of all land, of an area, or by name; for operators."""
        asked = WantSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        names = asked.validated_data["names"]
        new = want_all(self.get_object(), names, request.user)
        return Response(WantedSerializer({"tiles": len(names), "new": new}).data)

    @extend_schema(responses={200: shapes.TileDetailSerializer, **REFUSALS})
    @action(detail=True, url_path=f"tiles/{TILE}", pagination_class=None)
    def tile(self, request: Request, slug: str, tile: str) -> Response:
        """One tile of a campaign, with its scenes and figures."""
        found = get_object_or_404(self._tiles(self.get_object()), tile_id=tile)
        return Response(shapes.TileDetailSerializer(found, context=self.get_serializer_context()).data)

    @extend_schema(responses={200: shapes.EventSerializer(many=True), **REFUSALS})
    @action(detail=True, url_path=f"tiles/{TILE}/history", pagination_class=None)
    def history(self, request: Request, slug: str, tile: str) -> Response:
        """The newest 200 changes of a tile, its builds and revisions; for reviewers and operators."""
        campaign = self.get_object() if roles.sees_everything(request.user) else None
        found = get_object_or_404(CampaignTile, campaign=campaign, tile_id=tile)
        events = Event.objects.filter(campaign=campaign, tile_name=found.tile_id).select_related("by")
        return Response(shapes.EventSerializer(events.order_by("-id")[:200], many=True).data)

    @extend_schema(request=None, responses={201: shapes.BuildSerializer, **REFUSALS})
    @action(detail=True, methods=["post"], url_path=f"tiles/{TILE}/rebuild", pagination_class=None)
    def rebuild(self, request: Request, slug: str, tile: str) -> Response:
        """Begin another build of a tile, also of one that failed or is empty; for operators."""
        found = get_object_or_404(CampaignTile, campaign=self.get_object(), tile_id=tile)
        build = rebuild(found, request.user)
        return Response(shapes.BuildSerializer(build).data, status.HTTP_201_CREATED)

    @extend_schema(responses={200: shapes.EditionSerializer(many=True), **REFUSALS})
    @action(detail=True, pagination_class=None)
    def editions(self, request: Request, slug: str) -> Response:
        """The editions of a campaign, the newest first."""
        rows = self.get_object().editions.standing()
        editions = rows.select_related("campaign").prefetch_related("tiles__revision")
        return Response(shapes.EditionSerializer(editions, many=True).data)

    @extend_schema(request=None, responses={201: shapes.EditionSerializer, **REFUSALS})
    @editions.mapping.post
    def publish(self, request: Request, slug: str) -> Response:
        """Publish the current revisions as the next edition; for operators."""
        edition = Edition.publish(self.get_object(), request.user)
        return Response(shapes.EditionSerializer(edition).data, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.WithdrawalSerializer, responses={204: None, **REFUSALS})
    @action(detail=True, methods=["post"], url_path="editions/(?P<number>[0-9]{1,9})/withdraw")
    def take_back(self, request: Request, slug: str, number: str) -> Response:
        """Take an edition back, with the reason; for operators."""
        asked = shapes.WithdrawalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        edition = get_object_or_404(Edition, campaign=self.get_object(), number=int(number))
        Withdrawal.take_back(edition, asked.validated_data["words"], request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _tiles(self, campaign: Campaign) -> QuerySet[CampaignTile]:
        return campaign.tiles.shown().order_by("tile_id")


class ModelsView(APIView):
    """The weights that a campaign may pin; registered ones are shown to reviewers and operators."""

    @extend_schema(responses={200: shapes.WeightsSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """All weights, those that ship first of each network."""
        everything = roles.sees_everything(request.user)
        found = [one for name in NAMES for one in store().all(name) if one.shipped or everything]
        return Response(shapes.WeightsSerializer(found, many=True).data)


class WorkViewSet(ReadOnlyModelViewSet):
    """What builds and revisions have in common."""

    lookup_value_regex = NUMBER
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Any]:
        """Those that the visitor may see and asked for, the newest first."""
        query = shapes.WorkQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        lookups = {"campaign": "campaign_tile__campaign__slug", "tile": "campaign_tile__tile_id"}
        known = {item.name for item in self.queryset.model._meta.get_fields()} | lookups.keys()
        asked = {lookups.get(k, k): v for k, v in query.validated_data.items() if k in known}
        rows = self.queryset.model.objects.visible_to(self.request.user).filter(**asked)
        return rows.select_related("campaign_tile__campaign").order_by("-pk")


@extend_schema(parameters=[shapes.WorkQuery])
class BuildViewSet(WorkViewSet):
    """Builds: all for reviewers and operators, those of your orders for customers."""

    queryset = Build.objects.all()

    def get_serializer_class(self) -> type:
        """With candidates and figures for one build."""
        return shapes.BuildDetailSerializer if self.action == "retrieve" else shapes.BuildSerializer


@extend_schema(parameters=[shapes.WorkQuery])
class RevisionViewSet(WorkViewSet):
    """Revisions: all for reviewers and operators; for others those of editions and of their own orders."""

    queryset = Revision.objects.all()

    def get_queryset(self) -> QuerySet[Revision]:
        """With the number of the build."""
        return super().get_queryset().select_related("build")

    def get_serializer_class(self) -> type:
        """With inputs and figures for one revision."""
        return shapes.RevisionDetailSerializer if self.action == "retrieve" else shapes.RevisionSerializer
