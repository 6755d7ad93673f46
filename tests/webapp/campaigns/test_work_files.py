"""Work files of builds go once nobody needs them; products stay."""

import os
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from pipeline.errors import SourceError
from tests.webapp.campaigns.tiles import tile
from tests.webapp.products import WEST
from webapp.campaigns import services
from webapp.campaigns.models import Build, CampaignTile
from webapp.campaigns.tidy import run_tidy
from webapp.campaigns.work_files import without_work

DAY = timedelta(days=1)


def give_scenes(build):
    """Files of a scene, as old as can be."""
    paths = [build.path / "scenes" / "S2A" / name for name in ("cloud.tif", "image.tif")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    for path in build.path.rglob("*"):
        os.utime(path, (1, 1))
    os.utime(build.path / "scenes", (1, 1))
    return paths


@pytest.fixture
def followed(finished, work):
    """Two builds of a tile, of which the second is current."""
    services.rebuild(tile(WEST))
    work()
    first, second = Build.objects.order_by("number")
    assert (first.status, second.status) == ("superseded", "done")
    return first, second


def test_a_superseded_build_keeps_its_products_alone(followed):
    first, second = followed
    gone, kept = give_scenes(first), give_scenes(second)
    products = [path for path in first.path.rglob("*.json") if path.is_file()]
    assert run_tidy() == 0 and all(path.exists() for path in gone), "the grace time is not over"
    Build.objects.filter(pk=second.pk).update(finished_at=Now() - 2 * DAY)
    assert run_tidy() == 1
    assert not any(path.exists() for path in gone) and not gone[0].parent.parent.exists()
    assert all(path.exists() for path in [*kept, *products]) and products


def test_what_was_written_a_moment_ago_stays(followed):
    first, second = followed
    (path, _) = give_scenes(first)
    Build.objects.filter(pk=second.pk).update(finished_at=Now() - 2 * DAY)
    os.utime(path, (time.time(), time.time()))
    assert run_tidy() == 0 and path.exists()


def test_a_build_that_failed_needs_no_work_files(begun, quick, work):
    quick.trouble[WEST, "compose"] = SourceError("S2A is broken.")
    work()
    build = Build.objects.get()
    assert build.status == "failed"
    paths = give_scenes(build)
    assert run_tidy() == 0
    Build.objects.update(finished_at=Now() - 2 * DAY)
    assert run_tidy() == 1 and not any(path.exists() for path in paths)


@pytest.mark.parametrize(("kept", "stays"), [(timedelta(0), True), (30 * DAY, True), (3 * DAY, False)])
def test_a_current_build_keeps_them_as_long_as_it_is_told(finished, settings, kept, stays):
    settings.WORK_FILES_SECONDS = int(kept.total_seconds())
    paths = give_scenes(finished.current_build)
    Build.objects.update(finished_at=Now() - 10 * DAY)
    assert run_tidy() == (0 if stays else 1)
    assert paths[0].exists() == stays


def test_builds_under_way_keep_them(begun, settings):
    settings.WORK_FILES_SECONDS = 1
    Build.objects.update(finished_at=Now() - 10 * DAY)
    assert not without_work(CampaignTile.objects.get()).exists()


def test_what_came_to_need_none_long_ago_is_not_asked_of_a_bucket_for_ever(followed):
    first, second = followed
    row = first.campaign_tile
    for ago, is_asked in ((timedelta(hours=1), False), (2 * DAY, True), (9 * DAY, False)):
        Build.objects.filter(pk=second.pk).update(finished_at=Now() - ago)
        assert without_work(row, 3 * DAY).exists() == is_asked
