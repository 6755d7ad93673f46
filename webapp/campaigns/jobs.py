"""The jobs that RQ runs: stages of one build, or one revision, each.

A job reads the state, claims it, does the work, records the result in one transaction, and advances the
campaign. One of a build does so for each further stage that its worker does as well. A job that finds nothing
to claim ends at once.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import transaction

from pipeline.errors import EarthquiltError, NoScenes
from pipeline.storage import full_disk
from webapp import storage
from webapp.campaigns import agreement, pyramid, retries, stages, web_copies
from webapp.campaigns.advance import advance, lock, settle_orders
from webapp.campaigns.approval import change_of, keep_approval
from webapp.campaigns.going_on import between_stages, may_go_on
from webapp.campaigns.lease import LeaseLost, kept
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.queue import hint_build, hint_pyramid_once, taken_up
from webapp.campaigns.recording import recorded
from webapp.campaigns.schedule import inputs_of, look
from webapp.campaigns.soundness import damage, fingerprints
from webapp.campaigns.spots import spots_told
from webapp.campaigns.states import (
    QUEUE_OF_STAGE,
    BuildStatus,
    OrderStatus,
    RevisionStatus,
    Stage,
    TileStatus,
)
from webapp.campaigns.watch import watched
from webapp.logs import without_secrets

log = logging.getLogger(__name__)

RELATED = ("campaign_tile__campaign", "campaign_tile__tile")
UNASKED = ("campaign_tile__tile__footprint", "campaign_tile__tile__near")
End = Callable[[Any, str, str], None]


def run_build(key: int) -> None:
    """Do the next stage of a build, if nobody else does, and those after it that this worker does as well."""
    build = Build.objects.select_related(*RELATED).defer(*UNASKED).filter(pk=key).order_by().first()
    claimed = claim_build(build) if build else None
    if claimed:
        tell_orders(claimed)
    while claimed and attempt(claimed, lambda: do_stage(claimed), end_build):
        step_over(claimed)


def claim_build(build: Build) -> Build | None:
    """Claim a build, or the one of its block that works for all where their lists are to agree."""
    if build.stage == Stage.AGREE:
        return agreement.claim_first(build)
    return build if build.claim() else None


def step_over(build: Build) -> None:
    """Do what is due between two stages of a build; the claim is given back where that fails or is ended."""
    try:
        between_stages()
    except BaseException:
        build.release(attempts=build.attempts - 1)
        raise


def tell_orders(build: Build) -> None:
    """Let the orders know that work for them is under way."""
    for order in build.campaign_tile.orders.filter(status=OrderStatus.PLACED).order_by():
        order.move(OrderStatus.RUNNING, f"{build.tile_name} has begun")


def run_revision(key: int) -> None:
    """Make a revision, if it waits for nothing and nobody else makes it."""
    revision = Revision.objects.select_related(*RELATED).defer(*UNASKED).filter(pk=key).first()
    if revision and claim_with_inputs(revision):
        attempt(revision, lambda: do_revision(revision), end_revision)


def run_pyramid(key: int) -> None:
    """Make the low zooms of a campaign that are stale; what fails stays stale until the sweep."""
    taken_up(key)
    campaign = Campaign.objects.filter(pk=key).first()
    try:
        if campaign:
            pyramid.refresh(campaign)
    except EarthquiltError as error:
        log.error("The low zooms of %s are not up to date: %s", campaign, error)


def run_web_copies(key: int) -> None:
    """Lay a revision's products out for web maps; what fails is tried again by the sweep."""
    revision = Revision.objects.filter(pk=key, has_web_copies=False).first()
    try:
        if revision:
            web_copies.make(revision)
    except EarthquiltError as error:
        log.error("%s cannot be laid out for web maps: %s", revision, error)


def attempt(item: Build | Revision, work: Callable[[], bool | None], end: End) -> bool:
    """Do claimed work and record how it ended; the one place where errors of the pipeline are caught.

    Gives what the work gives: whether there is more to do under the same claim; False where it failed.

    An error to be told becomes the sentence of the build, a transient one another try, and any other is
    recorded, logged with its traceback and raised again. What another worker has taken over is left to it.
    Without a database nothing can be recorded: the lease runs out and the sweep queues the work again.
    """
    with watched(item) as seen:
        try:
            if retries.interruptions(item) > settings.MOST_ATTEMPTS:
                most = settings.MOST_ATTEMPTS
                raise EarthquiltError(f"{item} was begun {most} times and never ended; see the workers' log.")
            goes_on = told_when_full(work)
            seen.outcome = "done"
            return bool(goes_on)
        except LeaseLost as error:
            seen.outcome = "lost"
            log.warning("%s", error)
        except tuple(retries.KINDS) as error:
            seen.outcome = "again"
            try_later(item, error, end)
        except NoScenes as error:
            seen.outcome = "empty"
            end(item, BuildStatus.EMPTY, str(error))
        except EarthquiltError as error:
            seen.outcome = "failed"
            end(item, BuildStatus.FAILED, str(error))
        except AnyDatabaseError:
            raise
        except Exception as error:
            log.exception("%s ended unexpectedly.", item)
            text = f"Ended unexpectedly with {type(error).__name__}: {error}"
            end(item, BuildStatus.FAILED, without_secrets(text))
            raise
        except BaseException:
            item.release(attempts=item.attempts - 1)
            raise
        return False


def told_when_full(work: Callable[[], bool | None]) -> bool | None:
    """Do work; a full disk that nobody has put in words is told as such.

    Raises:
        StorageFull: the disk is full.
    """
    try:
        return work()
    except OSError as error:
        if (full := full_disk(error)) is None:
            raise
        raise full from error


def do_stage(build: Build) -> bool:
    """Run the build's stage and record what follows; True where this job goes on with the next one."""
    with kept(build) as require, storage.working(build.folder, require):
        following, values = stages.STAGES[build.stage](build)
        files = fingerprints(build.path) if following == Stage.DONE else {}
    if following == Stage.DONE:
        recorded(lambda: become_composite(build, values["report"], files))
        advance(build.campaign, [build.tile_name], has_builds=False)
        return False
    together = values.get("together", ())
    if Stage.AGREE not in (build.stage, following) and may_go_on(QUEUE_OF_STAGE[following]):
        return recorded(lambda: build.go_on(following))
    recorded(lambda: give_on(build, following, together))
    return False


@transaction.atomic
def give_on(build: Build, following: Stage, together: Sequence[Build]) -> None:
    """Let a build, and those whose job it did as well, wait for their next stage."""
    if build.release(stage=following, attempts=0, tries={}, error=""):
        hint_following([build, *(one for one in together if one.follow(following))])


def hint_following(builds: Sequence[Build]) -> None:
    """Tell the workers that builds have come to their next stage; lists that are to agree wait for others."""
    for build in builds:
        if build.stage == Stage.AGREE:
            agreement.hint_waiting(build.campaign, build.tile_name)
        else:
            hint_build(build)


@transaction.atomic
def become_composite(build: Build, report: dict, files: dict) -> None:
    """End a build: it becomes the tile's current one, and its predecessor is superseded."""
    tile = CampaignTile.objects.select_for_update().get(pk=build.campaign_tile_id)
    if not build.finish(
        BuildStatus.DONE, stage=Stage.DONE, report=report, files=files, error="", attempts=0, tries={}
    ):
        return
    old = tile.current_build
    tile.move(TileStatus.COMPOSITE, f"build {build.number}", current_build=build, status_text="")
    if old:
        old.move(BuildStatus.SUPERSEDED, f"replaced by build {build.number}")


@transaction.atomic
def record_end(build: Build, status: str, text: str) -> None:
    """End a build without a composite; the tile keeps the one that it had."""
    tile = CampaignTile.objects.select_for_update().get(pk=build.campaign_tile_id)
    if build.finish(status, text, error=text):
        tile.move(TileStatus.COMPOSITE if tile.current_build else status, text, status_text=text)


def end_build(build: Build, status: str, text: str) -> None:
    """End a build without a composite, and let those who waited for it go on."""
    recorded(lambda: record_end(build, status, text))
    advance(build.campaign, [build.tile_name], has_builds=False)
    if build.stage in (Stage.SCENE_LIST, Stage.AGREE):
        agreement.hint_waiting(build.campaign, build.tile_name)


@transaction.atomic
def claim_with_inputs(revision: Revision) -> bool:
    """Claim a revision and fix its inputs, if no tile that it depends on is due."""
    lock(revision.campaign)
    inputs = inputs_of(revision.campaign, revision.tile_name)
    if inputs is None:
        Revision.objects.filter(pk=revision.pk).update(is_ready=False)
        return False
    if not revision.claim():
        return False
    revision.take_input_keys(inputs)
    return True


def do_revision(revision: Revision) -> None:
    """Blend the tile with its neighbours; the result takes the place of the current revision.

    Where it would show the same, that one stays and is not made again; where it hardly differs from the last
    approved one, it is approved as well.
    """
    current = revision.campaign_tile.current_revision
    with kept(revision) as require, storage.working(revision.folder, require):
        if current is not None and damage(current):
            current = None
        same = current is not None and stages.shows_the_same(revision, current)
        report = {} if same else stages.revise(revision, current)
        report |= {} if same else change_of(revision) | spots_told(revision)
        files = {} if same else fingerprints(revision.path)
    if same:
        recorded(lambda: ended(revision, lambda: revision.give_way(current)))
    elif recorded(lambda: ended(revision, lambda: become_current(revision, report, files))):
        hint_pyramid_once(revision.campaign_id, revision.pk)


def become_current(revision: Revision, report: dict, files: dict) -> bool:
    """Let a revision take the place of the current one, with its approval where that stays."""
    if not revision.become_current(report, files):
        return False
    keep_approval(revision)
    return True


@transaction.atomic
def ended(revision: Revision, record: Callable[[], Any]) -> Any:
    """Record the end of a revision, begin the one that its inputs ask for by now, and settle its orders."""
    lock(revision.campaign)
    result = record()
    look(revision.campaign, [revision.tile_name])
    settle_orders(revision.campaign, [revision.tile_name])
    return result


def end_revision(revision: Revision, status: str, text: str) -> None:
    """End a revision that failed; the tile keeps the one that it had."""
    recorded(lambda: ended(revision, lambda: record_failure(revision, text)))


@transaction.atomic
def record_failure(revision: Revision, text: str) -> None:
    """End a revision that failed."""
    revision.finish(RevisionStatus.FAILED, text, error=text)


def try_later(item: Build | Revision, error: EarthquiltError, end: End) -> None:
    """Leave the work for a while, by the kind of its fault, or end it after the last attempt."""
    if recorded(lambda: retries.put_off(item, error)):
        log.warning("%s waits: %s", item, error)
    else:
        end(item, BuildStatus.FAILED, retries.given_up(item, error))
