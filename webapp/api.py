"""Addresses below /api/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from webapp.accounts.api import MeView
from webapp.campaigns.api import BuildViewSet, CampaignViewSet, ModelsView, RevisionViewSet
from webapp.orders.api import OrderViewSet
from webapp.review.accuracy_api import AssessmentViewSet
from webapp.review.api import ReviewViewSet
from webapp.review.desk_api import DeskView
from webapp.review.queue_api import QueueViewSet

router = SimpleRouter()
router.register("campaigns", CampaignViewSet, "campaign")
router.register("builds", BuildViewSet, "build")
router.register("revisions", RevisionViewSet, "revision")
router.register("orders", OrderViewSet, "order")
router.register("reviews", ReviewViewSet, "review")
router.register("queue", QueueViewSet, "queue")
router.register("assessments", AssessmentViewSet, "assessment")

urlpatterns = [
    path("", include(router.urls)),
    path("models/", ModelsView.as_view(), name="models"),
    path("me/", MeView.as_view(), name="me"),
    path("desk/<int:build>/", DeskView.as_view(), name="desk"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
