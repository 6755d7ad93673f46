import pytest
from django.db import IntegrityError, connection, transaction

from tests.webapp.products import WEST, make_campaign, make_composite, make_revision
from webapp.campaigns.models import Build, CampaignTile, Edition, Event, Revision
from webapp.campaigns.models.edition import EditionTile

pytestmark = pytest.mark.django_db


def refused(write):
    with pytest.raises(IntegrityError), transaction.atomic():
        write()
        connection.check_constraints()


@pytest.fixture
def tile(storage):
    return make_composite(make_campaign(), WEST)


@pytest.mark.parametrize("model", ["build", "revision"])
def test_one_at_work_per_tile(tile, model):
    rows = {"build": Build, "revision": Revision}[model].objects
    rows.create(campaign_tile=tile, number=8, folder="a")
    refused(lambda: rows.create(campaign_tile=tile, number=9, folder="b", status="running"))
    rows.create(campaign_tile=tile, number=10, folder="c", status="failed")


def test_one_current_revision_per_tile(tile):
    make_revision(tile)
    build = tile.current_build
    values = {"campaign_tile": tile, "folder": "x", "status": "current", "build": build}
    refused(lambda: Revision.objects.create(number=7, **values))


@pytest.mark.parametrize("model", [Build, Revision, CampaignTile])
def test_only_legal_states(tile, model):
    make_revision(tile)
    refused(lambda: model.objects.update(status="lost"))


def test_a_build_is_done_only_after_its_last_stage(tile):
    refused(lambda: Build.objects.update(stage="mask"))


def test_a_tile_is_composite_only_with_a_build(tile):
    refused(lambda: CampaignTile.objects.update(current_build=None))


def test_a_current_revision_has_a_build(tile):
    make_revision(tile)
    refused(lambda: Revision.objects.update(build=None))


def test_tiles_are_in_a_campaign_once(tile):
    refused(lambda: CampaignTile.objects.create(campaign=tile.campaign, tile=tile.tile))


def test_footprints_have_a_gist_index():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%USING gist%'")
        found = {row[0] for row in cursor.fetchall()}
    assert found >= {"campaigns_gridtile", "orders_order"}


def test_a_change_of_state_is_a_compare_and_swap_with_history(tile):
    one, other = (CampaignTile.objects.get(pk=tile.pk) for _ in range(2))
    assert one.move("wanted", "again")
    assert not other.move("building", "late")
    tile.refresh_from_db()
    assert tile.status == "wanted"
    last = Event.objects.filter(subject="tile").last()
    assert (last.before, last.after, last.text, last.tile_name) == ("composite", "wanted", "again", WEST)


def test_an_illegal_change_of_state_is_refused(tile):
    with pytest.raises(ValueError, match="cannot become"):
        tile.move("failed")


def test_editions_are_frozen(tile):
    make_revision(tile)
    edition = Edition.publish(tile.campaign)
    line = EditionTile.objects.get()
    for row in (edition, line):
        for change in (row.save, row.delete):
            with pytest.raises(Exception, match="published and cannot"):
                change()
