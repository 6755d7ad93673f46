"""Approvals that stay with the next revision, and those that do not."""

import pytest

from tests.webapp.products import WEST, make_composite, make_tile, write_revision
from webapp.campaigns.approval import change_of
from webapp.campaigns.jobs import do_revision
from webapp.campaigns.models import Event, Revision
from webapp.campaigns.rings import Neighbourhood


@pytest.fixture
def revise(campaign, quick, monkeypatch):
    """Makes the next revision of the tile with such values, as a worker does."""
    row = make_tile(campaign, WEST)

    def make(**values):
        from webapp.campaigns import stages

        def written(revision, current=None):
            write_revision(revision.path, revision.tile_name, **values)
            return {"coverage": 1.0}

        monkeypatch.setattr(stages, "revise", written)
        make_composite_again(row)
        revision = Revision.begin(row)
        revision.take_inputs(Neighbourhood(campaign).inputs(WEST))
        assert revision.claim()
        do_revision(revision)
        revision.refresh_from_db()
        return revision

    return make


def make_composite_again(row):
    row.refresh_from_db()
    row.move("building")
    make_composite_of(row)


def make_composite_of(row):
    make_composite(row.campaign, row.tile_id)
    row.refresh_from_db()


def approve():
    Revision.objects.filter(status="current").update(review_status="approved")


def test_without_an_approval_there_is_no_change_to_tell(revise):
    revision = revise(values=(120, 130, 90, 200))
    assert "change" not in revision.report and revision.review_status == "unreviewed"


def test_a_small_change_keeps_the_approval_and_says_so(revise):
    approve()
    revision = revise(values=(121, 130, 90, 198))
    assert revision.review_status == "approved"
    assert revision.report["change"]["moved"] == 0 and revision.report["change"]["since"] == 1
    assert "the approval of revision 1 stays: 0.00 % of the pixels moved" in Event.objects.last().text


@pytest.mark.parametrize("values", [{"values": (124, 130, 90, 200)}, {"landcover": 4}])
def test_a_large_change_returns_to_the_queue_with_the_difference(revise, values):
    approve()
    revision = revise(**values)
    assert revision.review_status == "unreviewed"
    change = revision.report["change"]
    assert not change["small"] and (change["moved"] > 0.5 or change["patch"] > 1)


def test_a_revision_whose_approved_files_are_gone_is_looked_at(revise):
    approve()
    old = Revision.objects.get(status="current")
    (old.path / "mosaic.tif").unlink()
    revision = revise(values=(120, 130, 90, 200))
    assert revision.review_status == "unreviewed" and change_of(revision) == {}
