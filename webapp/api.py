"""Addresses below /api/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from webapp.accounts.api import MeView
from webapp.campaigns.api import BuildViewSet, CampaignViewSet, ModelsView, RevisionViewSet
from webapp.keys.api import MapKeyViewSet
from webapp.notices.api import EndpointViewSet, MailChoiceView, NoticeViewSet
from webapp.orders.api import OrderViewSet
from webapp.orders.area_api import AreaView, PlacesView
from webapp.review.accuracy_api import AssessmentViewSet
from webapp.review.api import ReviewViewSet
from webapp.review.desk_api import DeskView
from webapp.review.queue_api import QueueViewSet
from webapp.tileserver.api import PackedView

router = SimpleRouter()
router.register("campaigns", CampaignViewSet, "campaign")
router.register("builds", BuildViewSet, "build")
router.register("revisions", RevisionViewSet, "revision")
router.register("keys", MapKeyViewSet, "key")
router.register("orders", OrderViewSet, "order")
router.register("webhooks", EndpointViewSet, "webhook")
router.register("notices", NoticeViewSet, "notice")
router.register("reviews", ReviewViewSet, "review")
router.register("queue", QueueViewSet, "queue")
router.register("assessments", AssessmentViewSet, "assessment")

urlpatterns = [
    path("campaigns/<slug:slug>/editions/<int:number>/packed/", PackedView.as_view(), name="packed"),
    path("", include(router.urls)),
    path("areas/", AreaView.as_view(), name="areas"),
    path("places/", PlacesView.as_view(), name="places"),
    path("models/", ModelsView.as_view(), name="models"),
    path("me/", MeView.as_view(), name="me"),
    path("me/mail/", MailChoiceView.as_view(), name="mail-choice"),
    path("desk/<int:build>/", DeskView.as_view(), name="desk"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
