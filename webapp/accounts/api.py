"""The API's answer to "who am I?"."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts import roles


class MeSerializer(serializers.Serializer):
    """The visitor."""

    username = serializers.CharField(allow_null=True)
    roles = serializers.ListField(child=serializers.ChoiceField(roles.ROLES))


class MeView(APIView):
    """Who you are to this server."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Name and roles; null and none where you have not signed in."""
        name = request.user.username if request.user.is_authenticated else None
        return Response({"username": name, "roles": sorted(roles.roles_of(request.user))})
