"""The API of one's endpoints, of what was sent, and of one's choice of mail."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.notices import serializers as shapes
from webapp.notices.models import Endpoint, MailChoice, Notice, all_kinds
from webapp.notices.outbox import write_test
from webapp.notices.services import send_again


class EndpointViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, GenericViewSet,
):  # fmt: skip
    """Your endpoints: told of ends of your orders, signed as the Standard Webhooks specification has it."""

    serializer_class = shapes.EndpointSerializer
    permission_classes = [IsAuthenticated]
    lookup_value_regex = NUMBER
    queryset = Endpoint.objects.none()

    def get_queryset(self) -> QuerySet[Endpoint]:
        """The person's own."""
        return Endpoint.objects.standing().filter(owner=self.request.user)

    @extend_schema(
        request=shapes.EndpointSerializer, responses={201: shapes.NewEndpointSerializer, **REFUSALS}
    )
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Make an endpoint. Its secret is in this answer only."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made, _ = Endpoint.make(
            request.user, asked.validated_data["url"], asked.validated_data.get("kinds") or all_kinds()
        )
        return Response(shapes.NewEndpointSerializer(made).data, status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Endpoint) -> None:
        """Send nothing to it any more; what was sent stays in the log."""
        instance.remove()

    @extend_schema(request=None, responses={200: shapes.NewEndpointSerializer})
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str) -> Response:
        """Another secret, in this answer only; the old one signs too for 24 hours."""
        endpoint = self.get_object()
        endpoint.renew_secret()
        return Response(shapes.NewEndpointSerializer(endpoint).data)

    @extend_schema(request=None, responses={201: shapes.NoticeSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    @transaction.atomic
    def test(self, request: Request, pk: str) -> Response:
        """Send a notice of the kind webhook.test; one that had stopped is listened to again."""
        endpoint = self.get_object()
        endpoint.start()
        made = write_test(endpoint)
        context = self.get_serializer_context()
        return Response(shapes.NoticeSerializer(made, context=context).data, status.HTTP_201_CREATED)


class NoticeViewSet(ReadOnlyModelViewSet):
    """What was sent to you or of your orders, by mail and webhook, with every try."""

    serializer_class = shapes.NoticeSerializer
    permission_classes = [IsAuthenticated]
    lookup_value_regex = NUMBER
    queryset = Notice.objects.none()

    def get_queryset(self) -> QuerySet[Notice]:
        """Those that the visitor may see and asked for."""
        query = shapes.NoticeQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        rows = Notice.objects.visible_to(self.request.user).filter(**query.validated_data)
        return rows.select_related("endpoint", "recipient", "delivery").prefetch_related("tries")

    @extend_schema(parameters=[shapes.NoticeQuery])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Notices, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(request=None, responses={200: shapes.NoticeSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def again(self, request: Request, pk: str) -> Response:
        """Send it again, under the same id."""
        notice = self.get_object()
        send_again(notice, request.user)
        return Response(self.get_serializer(notice).data)


class MailChoiceView(APIView):
    """Of what you get mail."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=shapes.MailChoiceSerializer)
    def get(self, request: Request) -> Response:
        """The kinds that you get mail of, and where it goes."""
        return Response({"kinds": MailChoice.of(request.user), "email": request.user.email})

    @extend_schema(request=shapes.MailChoiceSerializer, responses=shapes.MailChoiceSerializer)
    def put(self, request: Request) -> Response:
        """Choose."""
        asked = shapes.MailChoiceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        MailChoice.objects.update_or_create(user=request.user, defaults=asked.validated_data)
        return self.get(request)
