"""The API of orders."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.orders import serializers as shapes
from webapp.orders.models import Order
from webapp.orders.services import estimate, place


def is_known(user) -> bool:
    """Whether the visitor has signed in."""
    return user.is_authenticated


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Your orders; operators and reviewers see all."""

    permission_classes = [ByAction]
    needs = {
        "list": is_known,
        "retrieve": is_known,
        "create": roles.may_order,
        "cancel": roles.may_order,
    }
    lookup_value_regex = NUMBER
    queryset = Order.objects.all()

    def get_queryset(self) -> QuerySet[Order]:
        """Those that the visitor may see."""
        orders = Order.objects.visible_to(self.request.user)
        return orders.select_related("campaign", "customer").prefetch_related("tiles")

    def get_serializer_class(self) -> type:
        """With its progress for one order."""
        return shapes.OrderSerializer if self.action == "list" else shapes.OrderDetailSerializer

    @extend_schema(request=shapes.AreaSerializer, responses={201: shapes.OrderDetailSerializer, **REFUSALS})
    def create(self, request: Request) -> Response:
        """Place an order; for customers."""
        asked = self._asked(request)
        order = place(request.user, asked.wanted_campaign(), asked.validated_data["area"])
        return Response(shapes.OrderDetailSerializer(order).data, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.AreaSerializer, responses={200: shapes.EstimateSerializer, **REFUSALS})
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """What an order would mean: area, tiles, and how much of it is built already."""
        asked = self._asked(request)
        return Response(estimate(asked.validated_data["area"], asked.validated_data["campaign"]))

    @extend_schema(request=None, responses={200: shapes.OrderDetailSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take an order back."""
        order = self.get_object()
        order.cancel(request.user)
        return Response(shapes.OrderDetailSerializer(order).data)

    def _asked(self, request: Request) -> shapes.AreaSerializer:
        asked = shapes.AreaSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return asked
