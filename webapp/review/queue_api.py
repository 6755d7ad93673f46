"""The API of the queue."""

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.campaigns.models import Campaign
from webapp.problems import ProblemSerializer
from webapp.review import queue
from webapp.review.models import Opinion, QueueEntry
from webapp.review.queue_serializers import (
    NextQuery,
    NextSerializer,
    OpinionSerializer,
    QueueEntrySerializer,
    QueueQuery,
)
from webapp.review.services import give_opinion


class QueueViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """What waits for a verdict, the likeliest trouble first; for reviewers and operators."""

    serializer_class = QueueEntrySerializer
    permission_classes = [ByAction]
    needs = {"take_next": roles.may_review, "take": roles.may_review, "renew": roles.may_review}
    needs |= {"release": roles.may_review, "opinion": roles.may_review}
    lookup_value_regex = NUMBER
    queryset = QueueEntry.objects.all()

    def get_queryset(self) -> QuerySet[QueueEntry]:
        """What waits for the visitor; for those who do not review there is nothing here."""
        if not roles.may_review(self.request.user):
            raise Http404
        if self.action != "list":
            return QueueEntry.objects.select_related(*queue.RELATED)
        campaign = self._campaign(self.request.query_params)
        queue.refill(campaign)
        return queue.entries(self.request.user, campaign)

    def _campaign(self, data: object) -> Campaign | None:
        asked = QueueQuery(data=data)
        asked.is_valid(raise_exception=True)
        return asked.validated_data.get("campaign")

    @extend_schema(parameters=[QueueQuery], responses={200: QueueEntrySerializer(many=True), **REFUSALS})
    def list(self, request: Request) -> Response:
        """What waits, with why it ranks there and who holds it."""
        return super().list(request)

    @extend_schema(request=NextQuery, responses={200: NextSerializer, **REFUSALS})
    @action(detail=False, methods=["post"], url_path="next")
    def take_next(self, request: Request) -> Response:
        """Take the likeliest trouble that nobody holds; `entry` is null where nothing is left."""
        asked = NextQuery(data=request.data)
        asked.is_valid(raise_exception=True)
        entry = queue.take_next(request.user, **asked.validated_data)
        return Response(NextSerializer({"entry": entry}, context=self.get_serializer_context()).data)

    @extend_schema(request=None, responses={200: QueueEntrySerializer, **REFUSALS, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def take(self, request: Request, pk: str) -> Response:
        """Take this one, or keep it for longer."""
        return self._shown(queue.take(request.user, self.get_object()))

    @extend_schema(request=None, responses={200: QueueEntrySerializer, **REFUSALS, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, pk: str) -> Response:
        """Keep what you hold for longer."""
        return self._shown(queue.renew(request.user, self.get_object()))

    @extend_schema(request=None, responses={200: QueueEntrySerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """Give it back; nothing happens where you do not hold it."""
        entry = self.get_object()
        queue.release(request.user, entry)
        entry.refresh_from_db()
        return self._shown(entry)

    @extend_schema(
        request=OpinionSerializer, responses={201: OpinionSerializer, **REFUSALS, 409: ProblemSerializer}
    )
    @action(detail=True, methods=["post"])
    def opinion(self, request: Request, pk: str) -> Response:
        """Give the second opinion that was asked for."""
        asked = OpinionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given: Opinion = give_opinion(request.user, self.get_object().revision, **asked.validated_data)
        return Response(OpinionSerializer(given).data, status.HTTP_201_CREATED)

    def _shown(self, entry: QueueEntry) -> Response:
        return Response(self.get_serializer(entry).data)
