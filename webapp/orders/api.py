"""The API of orders."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pipeline.delivery.options import DeliveryOptions
from webapp.accounts import roles
from webapp.accounts.permissions import ByAction
from webapp.campaigns.api import NUMBER, REFUSALS
from webapp.campaigns.standing import standings
from webapp.orders import serializers as shapes
from webapp.orders.downloads import ask_again, ask_delivery
from webapp.orders.models import Order
from webapp.orders.progress import tiles_progress
from webapp.orders.quotas import quota_of
from webapp.orders.services import place, quote


def is_known(user: Any) -> bool:
    """Whether the visitor has signed in."""
    return user.is_authenticated


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Your orders and those of your organisation; operators and reviewers see all."""

    permission_classes = [ByAction]
    needs = {
        "list": is_known,
        "retrieve": is_known,
        "create": roles.may_order,
        "cancel": roles.may_order,
        "deliveries": is_known,
        "deliver_again": roles.may_order,
        "quota": is_known,
        "tiles": is_known,
    }
    lookup_value_regex = NUMBER
    queryset = Order.objects.all()
    serializer_class = shapes.OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Those that the visitor may see and asked for."""
        query = shapes.OrderQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        lookups = {"campaign": "campaign__slug"}
        given = dict(query.validated_data)
        orders = Order.objects.visible_to(self.request.user).whose(self.request.user, given.pop("whose", ""))
        orders = orders.filter(**{lookups.get(name, name): value for name, value in given.items()})
        return orders.select_related("campaign", "customer", "organisation").prefetch_related("tiles")

    @extend_schema(parameters=[shapes.OrderQuery])
    def list(self, request: Request) -> Response:
        """Your orders, the newest first, with their progress."""
        page = self.paginate_queryset(self.get_queryset())
        known = standings({tile for order in page for tile in order.tiles.all()})
        context = {**self.get_serializer_context(), "standings": known}
        return self.get_paginated_response(shapes.OrderSerializer(page, many=True, context=context).data)

    @extend_schema(request=shapes.AreaSerializer, responses={201: shapes.OrderSerializer, **REFUSALS})
    def create(self, request: Request) -> Response:
        """Place an order; for customers."""
        asked = self._asked(request)
        # A campaign that is made for an order that is then refused goes with it.
        with transaction.atomic():
            order = place(request.user, asked.wanted_campaign(), asked.validated_data["area"])
        return Response(shapes.OrderSerializer(order).data, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.AreaSerializer, responses={200: shapes.QuoteSerializer, **REFUSALS})
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """What an order would mean: area, tiles, share built already, price, what is left of the quota."""
        asked = self._asked(request).validated_data
        found = quote(asked["area"], asked["campaign"], request.user)
        return Response(shapes.QuoteSerializer(found).data)

    @extend_schema(responses={200: shapes.QuotaSerializer, 204: None, **REFUSALS})
    @action(detail=False, pagination_class=None, filter_backends=[])
    def quota(self, request: Request) -> Response:
        """What your organisation may order this month and has ordered; 204 where you belong to none."""
        found = quota_of(request.user)
        if found is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(shapes.QuotaSerializer(found.to_json()).data)

    @extend_schema(request=None, responses={200: shapes.OrderSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take an order back."""
        order = self.get_object()
        order.cancel(request.user)
        return Response(shapes.OrderSerializer(order).data)

    @extend_schema(responses={200: shapes.TileProgressSerializer(many=True), **REFUSALS})
    @action(detail=True, pagination_class=None, filter_backends=[])
    def tiles(self, request: Request, pk: str) -> Response:
        """How far each tile of an order is, stage by stage."""
        rows = self.get_object().tiles.select_related("campaign").order_by("tile_id")
        found = [one.to_json() for one in tiles_progress(rows).values()]
        return Response(shapes.TileProgressSerializer(found, many=True).data)

    @extend_schema(methods=["GET"], responses={200: shapes.DeliverySerializer(many=True)})
    @extend_schema(
        methods=["POST"],
        request=shapes.DeliveryOptionsSerializer,
        responses={201: shapes.DeliverySerializer, **REFUSALS},
    )
    @action(detail=True, methods=["get", "post"], pagination_class=None, filter_backends=[])
    def deliveries(self, request: Request, pk: str) -> Response:
        """The deliveries of an order, the newest first; POST asks for one."""
        order = self.get_object()
        context = self.get_serializer_context()
        if request.method == "GET":
            rows = order.deliveries.all()
            return Response(shapes.DeliverySerializer(rows, many=True, context=context).data)
        if not roles.may_order(request.user):
            raise PermissionDenied
        asked = shapes.DeliveryOptionsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = ask_delivery(order, DeliveryOptions.from_json(asked.validated_data), request.user)
        return Response(shapes.DeliverySerializer(made, context=context).data, status.HTTP_201_CREATED)

    @extend_schema(
        request=None,
        parameters=[OpenApiParameter("number", int, OpenApiParameter.PATH)],
        responses={201: shapes.DeliverySerializer, **REFUSALS},
    )
    @action(detail=True, methods=["post"], url_path=r"deliveries/(?P<number>[0-9]{1,9})/again")
    def deliver_again(self, request: Request, pk: str, number: str) -> Response:
        """Make files once more that were removed, from the same revisions."""
        delivery = get_object_or_404(self.get_object().deliveries, number=number)
        made = ask_again(delivery, request.user)
        context = self.get_serializer_context()
        return Response(shapes.DeliverySerializer(made, context=context).data, status.HTTP_201_CREATED)

    def _asked(self, request: Request) -> shapes.AreaSerializer:
        asked = shapes.AreaSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return asked
