"""A revision that would show what the current one shows is not made again."""

import pytest

from pipeline import mosaic
from pipeline.grid import Tile
from tests.pipeline.test_balance import cells_of
from tests.webapp.products import EAST, WEST
from webapp.campaigns import stages
from webapp.campaigns.advance import advance, sweep
from webapp.campaigns.models import Build, CampaignTile, Revision

pytestmark = pytest.mark.django_db(transaction=True)

MIDDLE, BESIDE, BEYOND = "33TWL", "33TWM", "33TWN"


def tile(name):
    return CampaignTile.objects.get(tile_id=name)


def begin(campaign, *names):
    campaign.want(list(names))
    advance(campaign)


def test_the_current_revision_stays_and_takes_the_inputs_over(campaign, quick, work):
    begin(campaign, WEST)
    work()
    first = tile(WEST).current_revision
    quick.same = True
    begin(campaign, EAST)
    work()
    kept = tile(WEST).current_revision
    assert kept == first and kept.status == "current"
    assert kept.inputs_hash != first.inputs_hash
    assert {build.tile_name for build in kept.builds.all()} == {WEST, EAST}
    assert quick.calls.count((WEST, "revise")) == 1 and quick.calls.count((EAST, "revise")) == 1
    unmade = Revision.objects.get(campaign_tile=tile(WEST), number=2)
    assert unmade.status == "superseded" and not unmade.path.exists()


def test_what_was_found_unchanged_is_not_begun_again(campaign, quick, work):
    begin(campaign, WEST)
    work()
    quick.same = True
    begin(campaign, EAST)
    work()
    advance(campaign)
    sweep()
    work()
    assert Revision.objects.filter(campaign_tile=tile(WEST)).count() == 2


def built(name, gain):
    """A finished build of a tile whose ground is that of its place, times a gain."""
    build = Build.begin(tile(name))
    Build.objects.filter(pk=build.pk).update(status="done", stage="done")
    CampaignTile.objects.filter(tile_id=name).update(status="composite", current_build=build)
    cells_of(Tile.parse(name), gain).save(build.path / "balance.npz")
    return Build.objects.get(pk=build.pk)


def revised(name, builds):
    """A current revision of a tile from builds, without its pictures."""
    revision = Revision.begin(tile(name))
    revision.take_inputs(builds)
    found = mosaic.corrections(Tile.parse(name), {build.tile_name: build.path for build in builds})
    revision.report = {"mosaic": {"balance": {other: one.to_json() for other, one in found.items()}}}
    Revision.objects.filter(pk=revision.pk).update(status="superseded", report=revision.report)
    return Revision.objects.get(pk=revision.pk)


@pytest.fixture
def three(campaign):
    campaign.want([MIDDLE, BESIDE, BEYOND])
    builds = [built(MIDDLE, 1.0), built(BESIDE, 1.1), built(BEYOND, 1.05)]
    return revised(MIDDLE, builds), builds


def another(builds):
    revision = Revision.begin(tile(MIDDLE))
    revision.take_inputs(builds)
    return revision


def test_a_change_beyond_the_neighbours_that_moves_no_rounded_correction_changes_nothing(three):
    current, builds = three
    assert stages.shows_the_same(another([*builds[:2], built(BEYOND, 1.05 + 1e-6)]), current)


def test_a_change_beyond_the_neighbours_that_moves_their_correction_is_told(three):
    current, builds = three
    assert not stages.shows_the_same(another([*builds[:2], built(BEYOND, 1.3)]), current)


def test_another_build_of_a_neighbour_is_another_picture_whatever_its_balance(three):
    current, builds = three
    again = built(BESIDE, 1.1)
    assert not stages.shows_the_same(another([builds[0], again, builds[2]]), current)


def test_a_revision_that_left_no_balance_in_its_report_is_made_again(three):
    current, builds = three
    current.report = {}
    assert not stages.shows_the_same(another(builds), current)
