"""After one composite has changed only what lies within three rings is made again, as if from nothing."""

import numpy as np
import pytest

from pipeline import landcover, mosaic
from pipeline.grid import Tile
from pipeline.raster import Raster, read_raster, write_raster
from tests.pipeline.mosaic.test_three_by_three import COLUMN, PIXELS, RESOLUTION, cells_of, drawn, write_rim
from tests.webapp.products import make_campaign
from webapp.campaigns import stages
from webapp.campaigns.advance import advance
from webapp.campaigns.rings import names_within
from webapp.campaigns.services import rebuild
from webapp.campaigns.states import Stage

pytestmark = pytest.mark.django_db(transaction=True)

CHANGED = COLUMN[0]
PRODUCTS = ("mosaic.tif", "landcover.tif", "confidence.tif")


@pytest.fixture
def radiometry(monkeypatch):
    """Gain and offset of each tile's ground, of which its build is made; the pipeline makes the revisions."""
    rng = np.random.default_rng(8)
    found = {name: drawn(rng) for name in COLUMN}

    def build(work):
        name = work.tile_name
        write_rim(work.path.parent, name, found[name], COLUMN.index(name))
        (work.path.parent / name).rename(work.path)
        cells_of(name, found[name]).save(work.path / "balance.npz")
        shown = np.ones((2, PIXELS, PIXELS), np.uint8)
        write_raster(work.path / "provenance.tif", Raster(shown, Tile.parse(name).geobox(RESOLUTION)))
        return Stage.DONE, {"report": {"coverage": 1.0}}

    def revise(revision, current=None):
        tile, settings = revision.campaign_tile.tile.grid, revision.campaign.pipeline_settings
        folders = {build.tile_name: build.path for build in revision.builds.all()}
        blended = mosaic.blend(tile, folders, settings, revision.path)
        landcover.blend(tile, folders, settings, revision.path)
        return {"coverage": blended["coverage"], "mosaic": blended}

    monkeypatch.setitem(stages.STAGES, Stage.SCENE_LIST, build)
    monkeypatch.setattr(stages, "revise", revise)
    return found


def current(campaign):
    """The current revision of each tile of a campaign."""
    rows = campaign.tiles.select_related("current_revision")
    return {row.tile_id: row.current_revision for row in rows}


def made(slug, work):
    """A campaign with a revision of each tile of the column, worked through by a worker."""
    campaign = make_campaign(slug, resolution=RESOLUTION)
    campaign.want(list(COLUMN))
    advance(campaign)
    work()
    assert all(revision and revision.status == "current" for revision in current(campaign).values())
    return campaign


def test_what_is_made_again_lies_within_three_rings_and_equals_a_run_from_nothing(
    transactional_db, storage, queues, radiometry, work
):
    campaign = made("first", work)
    before = current(campaign)
    radiometry[CHANGED] = drawn(np.random.default_rng(9))
    rebuild(campaign.tiles.get(tile_id=CHANGED))
    work()
    after = current(campaign)
    again = {name for name in COLUMN if after[name] != before[name]}
    assert {CHANGED, COLUMN[1]} <= again <= names_within(CHANGED, 3)
    assert not names_within(CHANGED, 3).issuperset(COLUMN)
    afresh = current(made("second", work))
    for name in COLUMN:
        for product in PRODUCTS:
            first, second = (read_raster(found[name].path / product).data for found in (after, afresh))
            assert np.array_equal(first, second), (name, product)
            assert first.any()
