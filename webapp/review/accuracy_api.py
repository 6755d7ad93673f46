"""The API of assessments of accuracy."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.campaigns.models import Campaign
from webapp.orders.models import Order
from webapp.problems import ProblemSerializer
from webapp.review import sample
from webapp.review.models import Assessment, SamplePoint


class AssessmentSerializer(serializers.ModelSerializer):
    """An assessment, and how far it is."""

    campaign = serializers.SlugRelatedField(slug_field="slug", queryset=Campaign.objects.all())
    order = serializers.PrimaryKeyRelatedField(queryset=Order.objects.all(), required=False, allow_null=True)
    points = serializers.IntegerField(source="wanted", min_value=2, max_value=sample.MOST_POINTS)
    least = serializers.IntegerField(min_value=2, max_value=1000, default=20)
    labelled = serializers.IntegerField(read_only=True, default=0)
    drawn = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        """Fields."""

        model = Assessment
        fields = (
            "id",
            "campaign",
            "order",
            "points",
            "least",
            "status",
            "error",
            "drawn",
            "labelled",
            "created_at",
        )
        read_only_fields = ("status", "error", "created_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An order belongs to the campaign."""
        order = attrs.get("order")
        if order and order.campaign_id != attrs["campaign"].pk:
            raise serializers.ValidationError({"order": gettext("The order belongs to another campaign.")})
        return attrs


class PointSerializer(serializers.ModelSerializer):
    """A point, without its class by the map."""

    build = serializers.IntegerField(source="revision.build_id", read_only=True)
    tile = serializers.CharField(source="revision.campaign_tile.tile_id", read_only=True)

    class Meta:
        """Fields."""

        model = SamplePoint
        fields = ("id", "number", "lon", "lat", "build", "tile")


class LabelSerializer(serializers.Serializer):
    """What a point is."""

    point = serializers.IntegerField()
    label = serializers.IntegerField(
        min_value=1, max_value=6, allow_null=True, help_text="the class's code; null where nobody can tell"
    )


class AssessmentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, GenericViewSet
):
    """Assessments of accuracy, for reviewers and operators; operators ask for them."""

    serializer_class = AssessmentSerializer
    permission_classes = [ByAction]
    needs = {"create": roles.may_operate, "points": roles.may_review, "label": roles.may_review}
    lookup_value_regex = NUMBER
    queryset = Assessment.objects.all()

    def get_queryset(self) -> QuerySet[Assessment]:
        """All, for those who review, with how many points are drawn and labelled."""
        if not roles.may_review(self.request.user):
            raise Http404
        labelled = Count("points", filter=Q(points__labelled_at__isnull=False))
        rows = Assessment.objects.select_related("campaign", "order")
        return rows.annotate(drawn=Count("points"), labelled=labelled)

    def perform_create(self, serializer: Any) -> None:
        """Ask for the sample."""
        given = serializer.validated_data
        serializer.instance = sample.begin(
            given["campaign"], given["wanted"], given["least"], self.request.user, given.get("order")
        )

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One assessment; where its sample is still to be drawn, the workers are told again."""
        found = self.get_object()
        if found.status == Assessment.Status.DRAWING:
            sample.hint_sample(found)
        return Response(self.get_serializer(found).data)

    @extend_schema(request=None, responses={200: PointSerializer(many=True), **REFUSALS})
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def points(self, request: Request, pk: str) -> Response:
        """Take the next points to label, held for you for a while."""
        return Response(PointSerializer(sample.take_points(request.user, self.get_object()), many=True).data)

    @extend_schema(request=LabelSerializer, responses={204: None, **REFUSALS, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def label(self, request: Request, pk: str) -> Response:
        """Say what a point is."""
        asked = LabelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        point = get_object_or_404(SamplePoint, assessment=self.get_object(), pk=asked.validated_data["point"])
        sample.label(request.user, point, asked.validated_data["label"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **REFUSALS})
    @action(detail=True)
    def result(self, request: Request, pk: str) -> Response:
        """Error matrix, accuracies and areas with 95 % intervals, from the points labelled so far."""
        return Response(sample.result_of(self.get_object()))
