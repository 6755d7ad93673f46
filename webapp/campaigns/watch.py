"""What the log and the metrics are told of a job's work."""

from collections.abc import Iterator
from contextlib import contextmanager

from webapp.campaigns.models import Build, Revision
from webapp.logs import at_work
from webapp.metrics import Try, timed_stage


@contextmanager
def watched(item: Build | Revision) -> Iterator[Try]:
    """Time one try of claimed work, and name campaign, tile, build and stage in every log line of it."""
    stage = str(item.stage) if isinstance(item, Build) else "revision"
    build = item if isinstance(item, Build) else item.build
    told = {
        "campaign": item.campaign.slug,
        "tile": item.tile_name,
        "stage": stage,
        "build": build.number if build else None,
        "fence": item.fence,
    }
    if isinstance(item, Revision):
        told["revision"] = item.number
    with at_work(**told), timed_stage(stage) as seen:
        yield seen
