"""The low zooms follow the revisions: nothing lost, whatever the order, frozen in editions."""

import logging
import os
import threading

import pytest
from django.core.management import call_command
from django.db import connection

from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.pyramid import BASE_ZOOM, chips_of
from tests.webapp.products import EAST, WEST, make_campaign, make_composite, make_revision, make_tile
from webapp.campaigns import pyramid
from webapp.campaigns.advance import sweep
from webapp.campaigns.jobs import run_pyramid
from webapp.campaigns.models import Chip, Edition, EditionChip
from webapp.campaigns.models.chip import store_of

pytestmark = pytest.mark.django_db


def keys(campaign):
    return {row.chip: row.key for row in campaign.chips.all()}


def top(campaign):
    return campaign.chips.get(z=0)


def make_neighbours(slug, *names, **values):
    """Two neighbours that became current in an order, with mosaics of their own."""
    campaign = make_campaign(slug)
    rows = {name: make_composite(campaign, name) for name in sorted(names)}
    for name in names:
        make_revision(rows[name], values=values.get(name, (90, 90, 90, 90)))
        pyramid.refresh(campaign)
    return campaign


def test_a_revision_that_lands_marks_its_chips_up_to_the_top(alps):
    stale = {row.chip for row in alps.chips.filter(is_stale=True)}
    assert {chip for chip in stale if chip.z == BASE_ZOOM} == chips_of(Tile.parse(WEST))
    assert {chip.z for chip in stale} == set(range(BASE_ZOOM + 1))


def test_making_them_leaves_none_stale_and_files_for_all_that_have_data(alps):
    assert pyramid.refresh(alps) == alps.chips.count()
    assert not alps.chips.filter(is_stale=True).exists()
    assert store_of(alps).read(top(alps).key)[0].max() == 120
    assert pyramid.refresh(alps) == 0


def test_a_new_revision_changes_only_what_lies_above_and_below_its_tile(storage, queues):
    campaign = make_neighbours("alps", WEST, EAST)
    before = keys(campaign)
    make_revision(campaign.tiles.get(tile_id=WEST), values=(10, 10, 10, 10))
    pyramid.refresh(campaign)
    changed = {chip for chip, key in keys(campaign).items() if key != before[chip]}
    assert changed
    assert {chip for chip in changed if chip.z == BASE_ZOOM} <= chips_of(Tile.parse(WEST))
    assert min(changed).z == 0


def test_the_order_in_which_tiles_land_does_not_matter(storage, queues):
    values = {WEST: (50, 60, 70, 80), EAST: (150, 160, 170, 180)}
    one = make_neighbours("one", WEST, EAST, **values)
    other = make_neighbours("other", EAST, WEST, **values)
    assert keys(one) == keys(other)


def test_a_revision_that_lands_while_a_chip_is_made_is_not_lost(alps, monkeypatch):
    make = pyramid._base

    def land_in_between(campaign, chip):
        stack = make(campaign, chip)
        monkeypatch.setattr(pyramid, "_base", make)
        make_revision(campaign.tiles.get(), values=(10, 10, 10, 10))
        return stack

    monkeypatch.setattr(pyramid, "_base", land_in_between)
    pyramid.refresh(alps)
    pyramid.refresh(alps)
    assert not alps.chips.filter(is_stale=True).exists()
    for row in alps.chips.exclude(key=""):
        assert store_of(alps).read(row.key)[0].max() == 10


def test_a_chip_waits_for_its_children(alps, monkeypatch):
    monkeypatch.setattr(pyramid, "_base", lambda campaign, chip: None)
    assert pyramid.refresh(alps) == 0
    assert alps.chips.filter(is_stale=True).count() == alps.chips.count()


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_end_with_what_one_alone_makes(storage, queues):
    campaign = make_neighbours("together", WEST, EAST)
    wanted = keys(campaign)
    pyramid.mark_all(campaign)
    troubles = []

    def work():
        try:
            pyramid.refresh(campaign)
        except Exception as error:
            troubles.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not troubles
    assert keys(campaign) == wanted and not campaign.chips.filter(is_stale=True).exists()


def test_an_edition_is_frozen_with_all_its_low_zooms(alps):
    edition = Edition.publish(alps)
    frozen = {row.chip: row.key for row in edition.chips.all()}
    assert frozen == {chip: key for chip, key in keys(alps).items() if key}
    make_revision(alps.tiles.get(), values=(10, 10, 10, 10))
    pyramid.refresh(alps)
    assert {row.chip: row.key for row in edition.chips.all()} == frozen
    assert top(alps).key != edition.chips.get(z=0).key


def test_a_lost_product_stands_in_the_way_of_an_edition_and_is_named(alps, caplog):
    (alps.tiles.get().current_revision.path / "confidence.tif").unlink()
    with pytest.raises(SourceError, match=r"confidence\.tif"):
        Edition.publish(alps)
    assert not Edition.objects.exists()
    with caplog.at_level(logging.ERROR):
        run_pyramid(alps.pk)
    assert "confidence.tif" in caplog.text and alps.chips.filter(is_stale=True).exists()


def test_the_sweep_queues_stale_chips_once(alps, queues, django_capture_on_commit_callbacks):
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            sweep()
    jobs = [job for job in queues["cpu"].jobs if job.func_name.endswith("run_pyramid")]
    assert len(jobs) == 1
    jobs[0].perform()
    assert not alps.chips.filter(is_stale=True).exists()


def test_the_command_makes_all_again_and_removes_what_nobody_names(alps, capsys):
    Edition.publish(alps)
    make_revision(alps.tiles.get(), values=(10, 10, 10, 10))
    pyramid.refresh(alps)
    named = set(Chip.objects.values_list("key", flat=True)) | set(
        EditionChip.objects.values_list("key", flat=True)
    )
    make_revision(alps.tiles.get(), values=(20, 20, 20, 20))
    pyramid.refresh(alps)
    folder = store_of(alps).folder
    for path in folder.rglob("*.tif"):
        os.utime(path, (0, 0))
    old = {path.stem for path in folder.rglob("*.tif")}
    call_command("make_pyramid", campaign="alps", all=True)
    assert "14 chips" in capsys.readouterr().out
    call_command("make_pyramid", campaign="alps", prune=True)
    left = {path.stem for path in folder.rglob("*.tif")}
    frozen = set(EditionChip.objects.values_list("key", flat=True))
    assert left == frozen | (set(keys(alps).values()) - {""})
    assert old - left == named - frozen - {""}


def test_a_tile_without_chips_of_its_neighbourhood_is_no_obstacle(storage, queues):
    campaign = make_campaign()
    make_tile(campaign, WEST)
    Chip.objects.all().delete()
    assert Edition.publish(campaign).chips.count() == 0
