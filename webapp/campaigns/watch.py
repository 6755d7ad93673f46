"""What the log and the metrics are told of a job's work."""

from collections.abc import Iterator
from contextlib import contextmanager

from webapp.campaigns.models import Build, Revision
from webapp.campaigns.models.build import Leased
from webapp.logs import at_work
from webapp.metrics import Try, timed_stage


@contextmanager
def watched(item: Leased) -> Iterator[Try]:
    """Time one try of claimed work, and name campaign, tile, build and stage in every log line of it.

    A delivery has no tile and no build.
    """
    stage = str(item.stage) if isinstance(item, Build) else type(item).__name__.lower()
    build = item if isinstance(item, Build) else getattr(item, "build", None)
    told = {
        "campaign": item.campaign.slug,
        "tile": getattr(item, "tile_name", None),
        "stage": stage,
        "build": build.number if build else None,
        "fence": item.fence,
    }
    if isinstance(item, Revision):
        told["revision"] = item.number
    with at_work(**told), timed_stage(stage) as seen:
        yield seen
