import pytest

from pipeline.errors import UsageError
from tests.webapp.products import EAST, WEST, make_composite, make_revision, make_tile
from webapp.campaigns.models import Edition, Event, Revision
from webapp.campaigns.rings import Neighbourhood

pytestmark = pytest.mark.django_db


def refresh(*tiles):
    """Give each tile a revision of its present inputs."""
    for tile in tiles:
        tile.refresh_from_db()
        revision = make_revision(tile)
        revision.take_inputs(Neighbourhood(tile.campaign, [tile.tile_id]).inputs(tile.tile_id))


def test_publishing_freezes_the_current_revisions(alps, operator):
    edition = Edition.publish(alps, operator)
    assert (edition.number, edition.published_by) == (1, operator)
    assert [(line.tile_id, line.revision.number) for line in edition.tiles.all()] == [(WEST, 1)]
    assert Event.objects.filter(subject="edition", after="published", by=operator).count() == 1


def test_the_next_edition_leaves_the_last_as_it_is(alps):
    first = Edition.publish(alps)
    refresh(alps.tiles.get())
    second = Edition.publish(alps)
    assert second.number == 2 and alps.latest_edition == second
    assert first.tiles.get().revision.number == 1 and second.tiles.get().revision.number == 2


def test_an_edition_keeps_the_bounds_of_its_tiles(alps):
    edition = Edition.publish(alps)
    edition.refresh_from_db()
    tile = alps.tiles.get(tile_id=WEST).tile
    assert edition.bounds == pytest.approx(list(tile.footprint.extent))


def test_nothing_new_is_not_published(alps):
    Edition.publish(alps)
    with pytest.raises(UsageError, match="already"):
        Edition.publish(alps)


def test_a_campaign_without_mosaics_is_not_published(alps):
    alps.tiles.update(status="idle", current_revision=None)
    with pytest.raises(UsageError, match="no finished tile"):
        Edition.publish(alps)


def test_tiles_under_way_stand_in_the_way(alps):
    alps.want([EAST])
    with pytest.raises(UsageError, match=f"not finished: {EAST}"):
        Edition.publish(alps)
    assert not Edition.objects.exists()


def test_waiting_revisions_stand_in_the_way(alps):
    Revision.begin(alps.tiles.get())
    with pytest.raises(UsageError, match="not finished"):
        Edition.publish(alps)


def test_stale_revisions_stand_in_the_way(alps):
    make_tile(alps, EAST)
    with pytest.raises(UsageError, match="not up to date"):
        Edition.publish(alps)
    refresh(*alps.tiles.all())
    assert Edition.publish(alps).tiles.count() == 2


def test_composites_without_a_mosaic_stand_in_the_way(alps):
    make_composite(alps, EAST)
    with pytest.raises(UsageError, match=f"without a mosaic: {EAST}"):
        Edition.publish(alps)


def test_rejected_revisions_stand_in_the_way(alps):
    Revision.objects.update(review_status="rejected")
    with pytest.raises(UsageError, match="rejected"):
        Edition.publish(alps)


def test_empty_and_failed_tiles_do_not_stand_in_the_way(alps):
    alps.want([EAST, "33TXM"])
    alps.tiles.filter(tile_id=EAST).update(status="empty")
    alps.tiles.filter(tile_id="33TXM").update(status="failed")
    assert Edition.publish(alps).tiles.count() == 1
