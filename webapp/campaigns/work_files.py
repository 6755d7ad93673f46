"""Which builds need their work files no more: what was fetched of scenes, their masks and classes."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp.campaigns.models import CampaignTile
from webapp.campaigns.states import BuildStatus

SCENES = "scenes"


def without_work(tile: CampaignTile, lately: timedelta | None = None) -> QuerySet:
    """The builds of a tile that need their work files no more.

    A build that failed or found nothing needs them no more `ORPHAN_SECONDS` after its end, one that was
    superseded as long after the end of the build that took its place. The current one needs them where
    somebody corrects a class, and for the hot spots of a further revision: it keeps them for
    `WORK_FILES_SECONDS`, for ever where that is 0.

    Args:
        tile: of a campaign.
        lately: only builds that came to need them no more within so long; all where None.
    """
    grace = timedelta(seconds=settings.ORPHAN_SECONDS)
    ended = Q(status__in=(BuildStatus.FAILED, BuildStatus.EMPTY)) & past("finished_at", grace, lately)
    followed = Q(status=BuildStatus.SUPERSEDED) & past(
        "campaign_tile__current_build__finished_at", grace, lately
    )
    asked = ended | followed
    if settings.WORK_FILES_SECONDS:
        kept = max(grace, timedelta(seconds=settings.WORK_FILES_SECONDS))
        asked |= Q(status=BuildStatus.DONE) & past("finished_at", kept, lately)
    return tile.builds.filter(asked).order_by("number")


def past(field: str, after: timedelta, lately: timedelta | None) -> Q:
    """Whether a moment lies so long ago, and where asked no longer ago than that and `lately`."""
    asked = Q(**{f"{field}__lt": Now() - after})
    return asked & Q(**{f"{field}__gt": Now() - after - lately}) if lately else asked
