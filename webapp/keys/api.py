"""The API of one's own keys."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from webapp.keys import admission, serializers
from webapp.keys.models import MapKey

DAYS = 31


class MapKeyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin,
    GenericViewSet,
):  # fmt: skip
    """Your keys of maps: made here, told once, revoked by DELETE."""

    serializer_class = serializers.MapKeySerializer
    permission_classes = [IsAuthenticated]
    lookup_value_regex = "[0-9]{1,9}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = MapKey.objects.none()

    def get_queryset(self) -> QuerySet[MapKey]:
        """The person's own."""
        return MapKey.objects.filter(owner=self.request.user).prefetch_related("campaigns")

    @extend_schema(request=serializers.MapKeySerializer, responses={201: serializers.NewMapKeySerializer})
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Make a key. It is in this answer only."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        scope = dict(asked.validated_data)
        campaigns = scope.pop("campaigns", [])
        row, token = MapKey.make(request.user, scope.pop("name"), **scope)
        row.campaigns.set(campaigns)
        return Response(self.get_serializer(row).data | {"key": token}, status.HTTP_201_CREATED)

    def perform_update(self, serializer: Any) -> None:
        """The next request is held against the new scope."""
        serializer.save()
        admission.forget()

    def perform_destroy(self, instance: MapKey) -> None:
        """Revoke it; its use stays."""
        instance.revoke()
        admission.forget()

    @extend_schema(responses={200: serializers.KeyUseSerializer(many=True)})
    @action(detail=True, pagination_class=None)
    def use(self, request: Request, pk: str) -> Response:
        """How often it was used on each of the newest 31 days with any use (UTC), the oldest first."""
        rows = self.get_object().uses.order_by("-day")[:DAYS]
        return Response(serializers.KeyUseSerializer(reversed(rows), many=True).data)
