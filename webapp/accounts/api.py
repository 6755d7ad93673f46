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
    organisation = serializers.CharField(allow_null=True)


class MeView(APIView):
    """Who you are to this server."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Name, roles and organisation; null and none where you have not signed in."""
        user = request.user
        known = user.is_authenticated
        return Response(
            {
                "username": user.username if known else None,
                "roles": sorted(roles.roles_of(user)),
                "organisation": user.organisation.name if known and user.organisation else None,
            }
        )
