"""The API of reviews."""

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.campaigns.serializers import BuildSerializer
from webapp.campaigns.services import withdraw
from webapp.problems import ProblemSerializer, Refused
from webapp.review.models import Review
from webapp.review.serializers import ReviewSerializer
from webapp.review.services import give


class ReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Reviews, for reviewers and operators."""

    serializer_class = ReviewSerializer
    permission_classes = [ByAction]
    needs = {"create": roles.may_review, "withdraw": roles.may_operate}
    lookup_value_regex = NUMBER
    queryset = Review.objects.all()

    def get_queryset(self) -> QuerySet[Review]:
        """All, for those who review; for others there is nothing here."""
        if not roles.may_review(self.request.user):
            raise Http404
        return Review.objects.select_related("reviewer", "successor").prefetch_related("defects__override")

    @extend_schema(
        request=ReviewSerializer, responses={201: ReviewSerializer, **REFUSALS, 409: ProblemSerializer}
    )
    def create(self, request: Request) -> Response:
        """Approve or reject the current revision of a tile, with what the next build shall do differently."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        review = give(
            request.user,
            given["revision"],
            given["verdict"],
            given.get("reason", ""),
            given.get("words", ""),
            given["wishes"],
            given["drawn"],
        )
        return Response(self.get_serializer(review).data, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: BuildSerializer, **REFUSALS, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back what a review asked of its tile, and begin a build without it; for operators."""
        review = self.get_object()
        overrides = list(review.overrides.all())
        if not overrides:
            raise Refused(
                gettext("Review %(number)s asks for nothing, or it was withdrawn already.")
                % {"number": review.pk}
            )
        build = withdraw(*overrides, by=request.user)
        return Response(BuildSerializer(build).data, status.HTTP_201_CREATED)
