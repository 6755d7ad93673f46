"""What a composite is called, held against truths of which the figures are known."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline import build as builds
from pipeline import chain
from pipeline.assessment import assess
from pipeline.build import CANDIDATES
from pipeline.catalog.scene import Scene
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.raster import Raster, encode, write_raster
from pipeline.scene_list.model import Candidate, SceneList
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.storage import write_json
from pipeline.tone import load_tone

SIDE = 180
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), max_cloud=100, resolution=60, series=1)
TONE = load_tone("default")
DAYS = {"a": 1, "b": 11, "c": 21}
GAIN, OFF = 1.25, 0.02
HOLE = (slice(100, 110), slice(20, 40))
CLOUD = (slice(20, 50), slice(60, 120))
SHADOW = (slice(120, 150), slice(40, 95))
LEFT, RIGHT = np.s_[:, : SIDE // 2], np.s_[:, SIDE // 2 :]


def levels():
    """Reflectance (4, h, w) of land in squares of 2 x 2 pixels, on the middle of steps of the tone curve."""
    drawn = np.random.default_rng(3).integers(60, 110, (4, SIDE // 2, SIDE // 2))
    drawn[3] += 60
    return TONE.invert(drawn.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8)).astype(np.float64)


def odd():
    """1 and -1 by turns, whose sum over each square of `levels` is nothing."""
    rows, cols = np.indices((SIDE, SIDE))
    return np.where((rows + cols) % 2, 1.0, -1.0)


@dataclass
class Painted:
    """A build of two scenes of three, and the truth: to be changed, then written and measured.

    The composite is the ground; the truth is the ground by `GAIN`, on the first day `OFF` by turns above and
    below that, on the last likewise below and above.
    """

    folder: Path

    def __post_init__(self):
        ground = levels()
        self.composite = ground.copy()
        self.rank = np.ones((SIDE, SIDE), np.uint8)
        self.rank[RIGHT] = 2
        self.dates = {name: ground.copy() for name in DAYS}
        self.masks = {name: np.zeros((SIDE, SIDE), np.uint8) for name in DAYS}
        self.clouds = {name: np.zeros((SIDE, SIDE), np.uint8) for name in DAYS}
        turns = {"a": 1, "b": 0, "c": -1}
        self.truths = {name: ground / GAIN + turn * OFF * odd() for name, turn in turns.items()}

    def assess(self, **asked):
        """Write everything, and measure."""
        tile = Tile.parse("33TWL")
        build = builds.begin(tile, SETTINGS, self.folder / tile.name, "nowhere", resume=False)
        geobox, truth = tile.geobox(60), self.folder / "truth" / tile.name
        assert geobox.shape == (SIDE, SIDE)

        def put(path, values, nodata=0):
            values = encode(values) if values.dtype.kind == "f" else values
            write_raster(path, Raster(values, geobox), nodata=nodata)

        put(build.folder / "composite.tif", self.composite)
        put(build.folder / "provenance.tif", np.stack([self.rank, self.rank > 0]).astype(np.uint8))
        scenes, listed = [], []
        for number, (name, day) in enumerate(DAYS.items(), start=1):
            moment = datetime(2023, 8, day, 10, tzinfo=UTC)
            scenes.append(Scene(name, tile.name, moment, "L2A", "05.09", name, 10.0, {}))
            rank = number if number < 3 else None
            listed.append(Candidate(name, moment, 10.0, 1.0, False, rank is not None, rank, "painted"))
            put(scene_folder(build.folder, name) / "reflectance.tif", self.dates[name])
            put(scene_folder(build.folder, name) / "cloud.tif", self.masks[name][None], 255)
            put(truth / f"clear_{moment:%Y%m%d}.tif", self.truths[name])
            put(truth / f"cloud_{moment:%Y%m%d}.tif", self.clouds[name][None], 255)
        write_json(build.folder / CANDIDATES, {"scenes": [scene.to_json() for scene in scenes]})
        SceneList(tile.name, "2023-08-11", tuple(listed), 0.999).write(build.folder)
        return assess(build.folder, truth, **asked)


@pytest.fixture
def painted(tmp_path, make_tiles_small):
    make_tiles_small(SIDE * 60)
    return Painted(tmp_path)


def test_residual_cloud_and_shadow_are_those_of_the_scene_that_is_shown(painted):
    painted.clouds["a"][CLOUD] = 1
    painted.clouds["b"][SHADOW] = 2
    painted.clouds["c"][:] = 1
    painted.rank[HOLE] = 0
    painted.composite[(slice(None), *HOLE)] = np.nan
    painted.clouds["a"][HOLE] = 1
    found = painted.assess()
    # The first scene's cloud shows in its columns, the second's shadow in its own; a hole is no cloud.
    assert found["residual_cloud"] == 30 * (90 - 60) / SIDE**2
    assert found["residual_shadow"] == 30 * (95 - 90) / SIDE**2


def test_the_rmse_forgives_the_gain_and_tells_the_rest(painted):
    found = painted.assess()
    assert found["dates"] == 3
    for product in ("composite", "cloud-blind median", "masked median"):
        assert found["rmse"][product] == pytest.approx([OFF] * 4, abs=1e-4)
        # The truths of the three days differ, and their median is the ground by the gain.
        assert found["rmse_middle"][product] == pytest.approx([0] * 4, abs=1e-4)


def residual(product, truth):
    """What the best gain leaves of each band, by least squares."""
    known = np.isfinite(product).all(axis=0)
    pairs = [(band[known], true[known]) for band, true in zip(product, truth, strict=True)]
    return [float(np.sqrt(np.linalg.lstsq(p[:, None], t)[1][0] / known.sum())) for p, t in pairs]


def test_a_composite_that_shows_cloud_is_worse_than_the_median_of_what_is_clear(painted):
    white = TONE.invert(np.full((4, 1, 1), 230, np.uint8))
    for name in ("a", "b"):
        painted.dates[name][:, 20:50, 60:120] = white
        painted.masks[name][CLOUD] = painted.clouds[name][CLOUD] = 1
    painted.composite[:, 20:50, 60:120] = white
    painted.composite[(slice(None), *HOLE)] = np.nan
    found = painted.assess()
    assert found["residual_cloud"] == 30 * 60 / SIDE**2
    truth, holes = painted.truths["a"], np.isnan(painted.composite)
    expected = residual(painted.composite, truth)
    assert min(expected) > 2 * OFF
    # Two of three dates are white there, so the median of all is what the composite shows.
    for product in ("composite", "cloud-blind median"):
        assert found["rmse"][product] == pytest.approx(expected, rel=2e-3)
    clear = np.where(holes, np.nan, painted.dates["c"])
    assert found["rmse"]["masked median"] == pytest.approx(residual(clear, truth), rel=2e-3)
    assert max(found["rmse"]["masked median"]) == pytest.approx(OFF, abs=1e-4)


def test_a_step_between_the_scenes_is_told_in_levels(painted):
    painted.truths = {name: levels() for name in DAYS}
    even = painted.assess()
    assert even["edge_pairs"] == SIDE and even["step_mean"] == 0 and even["seam_score"] == 1
    shown = TONE.apply(painted.composite)
    shown[:, :, SIDE // 2 :] += 12
    painted.composite = TONE.invert(shown).astype(np.float64)
    painted.folder = painted.folder / "stepped"
    stepped = painted.assess()
    assert stepped["step_mean"] == pytest.approx(12) and stepped["seam_score"] > 1.1


def test_rmse_on_every_second_window_looks_at_others_too(painted):
    painted.truths["a"][:, :128, 128:] += 0.3
    assert max(painted.assess(every=2)["rmse"]["composite"]) == pytest.approx(OFF, abs=1e-3)
    painted.folder = painted.folder / "all"
    assert min(painted.assess()["rmse"]["composite"]) > 2 * OFF


def test_the_chain_on_an_unseen_seed_is_nearly_without_cloud(tmp_path, make_tiles_small):
    """Stages 1 to 3 with the networks that ship, on a part of a tile of 32 km."""
    make_tiles_small(32_400)
    season = simulate(tmp_path, ["33UUQ"], 5, 60, 9307, "stac", SETTINGS.start, SETTINGS.end, workers=1)
    tile = Tile.parse("33UUQ")
    build = builds.begin(tile, SETTINGS, tmp_path / "run" / tile.name, str(season), resume=False)
    chain.make_scene_list(build, str(season))
    chain.fetch_and_mask(build)
    chain.compose(build)
    found = assess(build.folder, tmp_path / "truth" / tile.name)
    assert found["residual_cloud"] <= 0.001 and found["residual_shadow"] <= 0.005
    assert 0.95 <= found["seam_score"] <= 1.05 and found["blur"] >= 0.9 and found["step_mean"] <= 1
    ours, masked, blind = (
        np.mean(found["rmse"][name]) for name in ("composite", "masked median", "cloud-blind median")
    )
    assert ours < masked and ours <= blind / 2
