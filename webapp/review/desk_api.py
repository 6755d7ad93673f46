"""The API of the workspace."""

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts import roles
from webapp.campaigns.api import REFUSALS
from webapp.review.desk import desk_of, looked_at


class DeskView(APIView):
    """What the workspace shows of a build; for reviewers and operators."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **REFUSALS})
    def get(self, request: Request, build: int) -> Response:
        """Layers, scenes, figures, hot spots and verdicts of a build."""
        looked = looked_at(build) if roles.may_review(request.user) else None
        if looked is None:
            raise Http404
        return Response(desk_of(looked, request.user, {"request": request}))
