"""Stage 1 from previews to a scene list that explains itself."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.catalog import open_catalog
from pipeline.catalog.scene import Scene
from pipeline.errors import NoScenes, SourceError, StorageError, UsageError
from pipeline.grid import Tile
from pipeline.raster import read_raster
from pipeline.scene_list import Look, SceneList, best_next, choose, choose_again, choose_among, read_masks
from pipeline.scene_list.choice import percent
from pipeline.scene_list.masks import PREVIEW_SHAPE, look_at
from pipeline.scene_list.picture import masked
from pipeline.settings import CampaignSettings

TILE = Tile.parse("33TWL")
SETTINGS = CampaignSettings(start=date(2023, 8, 1), end=date(2023, 8, 31))
EAST, WEST, ALL = slice(170, None), slice(None, 175), slice(None)


def scene(day: int, datatake: str = "") -> Scene:
    return Scene(
        id=f"S2A_33TWL_202308{day:02d}",
        tile="33TWL",
        datetime=datetime(2023, 8, day, 10, 5, tzinfo=UTC),
        level="L2A",
        baseline="05.09",
        datatake=datatake or f"take-{day}",
        cloud_cover=12.5,
        assets={},
    )


def seen(day: int, columns: slice, haze: float = 0.1, datatake: str = "") -> Look:
    clear = np.zeros(PREVIEW_SHAPE, bool)
    clear[:, columns] = True
    return Look(scene(day, datatake), clear, haze)


def days_of(listed: SceneList) -> list[int]:
    return [one.datetime.day for one in listed.chosen]


def reason_of(listed: SceneList, day: int) -> str:
    return listed.candidate(scene(day).id).reason


def test_the_fewest_scenes_with_the_best_dates_are_ranked_by_date(tmp_path: Path) -> None:
    looks = [seen(4, ALL, haze=0.9), seen(10, EAST), seen(20, EAST), seen(12, WEST), seen(8, WEST)]
    listed = choose_among(looks, TILE, SETTINGS, tmp_path)
    assert days_of(listed) == [20, 12]
    assert [one.rank for one in listed.chosen] == [1, 2]
    assert listed.reached == 1.0
    assert listed.proof["optimal"] is True
    assert listed.proof["levels"]["days"] == {"value": 11 + 19, "bound": 11 + 19}


def test_every_candidate_says_why_it_is_in_or_out(tmp_path: Path) -> None:
    unread = Look(scene(5), problem="cut off after 12 bytes.")
    looks = [seen(4, ALL, haze=0.93), unread, seen(20, slice(3, None)), seen(12, slice(0, 10)), seen(8, EAST)]
    listed = choose_among(looks, TILE, replace(SETTINGS, share=0.95), tmp_path)
    assert days_of(listed) == [20]
    assert reason_of(listed, 4) == "hazy (score 0.93)"
    assert reason_of(listed, 5) == "preview could not be read: cut off after 12 bytes."
    assert reason_of(listed, 20) == "covers 99.1 % alone, nearest to 2023-08-31"
    assert reason_of(listed, 12).startswith("not needed: would add 0.87 % to the 99.13 %")
    assert reason_of(listed, 8) == "no clear pixel that the chosen scenes lack"
    assert listed.unreadable == 1


def test_a_chosen_scene_says_what_the_list_would_lose_without_it(tmp_path: Path) -> None:
    looks = [seen(20, slice(0, 300)), seen(12, slice(200, None)), seen(4, slice(250, None))]
    once = choose_among(looks, TILE, SETTINGS, tmp_path)
    assert days_of(once) == [20, 12]
    assert reason_of(once, 20).endswith("without it the list would cover 41.69 %")
    assert reason_of(once, 12).endswith("without it the list would cover 87.46 %")
    twice = choose_among(looks, TILE, replace(SETTINGS, clear_dates=2), tmp_path)
    wanted = 200 + 2 * 143
    shown = 100 * (wanted - 43) / wanted
    assert reason_of(twice, 4).endswith(
        f"without it the list would cover {shown:.2f} % of the 2 clear dates wanted"
    )
    assert "without it" not in reason_of(choose_among(looks[:1], TILE, SETTINGS, tmp_path), 20)


def test_a_chosen_scene_says_which_neighbours_would_lose_their_datatake(tmp_path: Path) -> None:
    looks = [seen(20, EAST, datatake="A"), seen(12, WEST, datatake="B")]
    takes = [frozenset({"A"}), frozenset({"A"}), frozenset({"B", "A"})]
    listed = choose_among(looks, TILE, SETTINGS, tmp_path, neighbour_datatakes=takes)
    assert reason_of(listed, 20).endswith(" % and share no datatake with 2 neighbours")
    assert reason_of(listed, 12).endswith("without it the list would cover 50.44 %")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "100.00 %"),
        (0.9999999, "more than 99.99 %"),
        (0.99994, "99.99 %"),
        (0.5, "50.00 %"),
        (0.0000001, "less than 0.01 %"),
        (0.0, "0.00 %"),
    ],
)
def test_shares_are_told_without_exponents_and_never_as_all_or_none(share: float, words: str) -> None:
    assert percent(share) == words


def test_what_a_scene_would_add_is_told_without_exponents(tmp_path: Path) -> None:
    looks = [seen(20, slice(0, 4)), seen(12, slice(0, 343))]
    listed = choose_among(looks, TILE, replace(SETTINGS, share=0.01), tmp_path)
    assert days_of(listed) == [20]
    assert reason_of(listed, 12) == "not needed: would add 98.83 % to the 1.17 % of the chosen scenes"


def test_hazy_ground_counts_neither_as_coverable_nor_as_covered(tmp_path: Path) -> None:
    listed = choose_among([seen(4, ALL, haze=0.9), seen(20, EAST)], TILE, SETTINGS, tmp_path)
    assert days_of(listed) == [20]
    assert listed.coverable_share == pytest.approx((343 - 170) / 343, abs=1e-6)
    assert listed.reached == 1.0


def test_ground_inside_the_margin_of_a_preview_is_doubtful_and_not_lost(tmp_path: Path) -> None:
    wide, narrow = seen(20, slice(0, 340)), seen(12, slice(300, None))
    near = replace(SETTINGS, share=0.98)
    assert days_of(choose_among([wide, narrow], TILE, near, tmp_path)) == [20]
    doubted = choose_among([wide, narrow], TILE, replace(near, preview_margin=3200.0), tmp_path)
    assert days_of(doubted) == [20, 12]
    assert SceneList.read(tmp_path).preview_margin == 3200.0
    alone = choose_among([wide], TILE, replace(SETTINGS, share=1.0, preview_margin=3200.0), tmp_path)
    assert days_of(alone) == [20] and alone.reached == 1.0


def test_no_data_makes_the_ground_beside_it_not_doubtful() -> None:
    known = np.ones(PREVIEW_SHAPE, bool)
    known[:, :100] = False
    clear = known.copy()
    clear[:, 200:210] = False
    sure = Look(scene(4), clear, 0.1, seen=known).sure(640.0)
    assert sure[:, 100:198].all() and sure[:, 212:].all()
    assert not sure[:, 198:212].any() and not sure[:, :100].any()


def test_the_order_of_the_candidates_does_not_matter(tmp_path: Path) -> None:
    looks = [seen(day, columns) for day, columns in ((4, EAST), (6, WEST), (9, EAST), (11, WEST), (13, ALL))]
    first = choose_among(looks, TILE, replace(SETTINGS, clear_dates=2), tmp_path)
    again = choose_among(looks[::-1], TILE, replace(SETTINGS, clear_dates=2), tmp_path)
    assert first.candidates == again.candidates
    assert len(first.chosen) == 3


def test_a_list_that_shares_datatakes_with_its_neighbours_wins_over_better_dates(tmp_path: Path) -> None:
    looks = [seen(4, ALL, datatake="A"), seen(20, ALL, datatake="B"), seen(30, ALL, datatake="C")]
    assert days_of(choose_among(looks, TILE, SETTINGS, tmp_path)) == [30]
    takes = [frozenset({"A", "B"}), frozenset({"A"}), frozenset({"C"})]
    assert days_of(choose_among(looks, TILE, SETTINGS, tmp_path, neighbour_datatakes=takes)) == [4]


def test_the_target_date_is_the_campaigns_unless_a_reviewer_says_otherwise(tmp_path: Path) -> None:
    looks = [seen(4, ALL), seen(15, ALL), seen(30, ALL)]
    aimed = replace(SETTINGS, target_date=date(2023, 8, 16))
    assert days_of(choose_among(looks, TILE, aimed, tmp_path)) == [15]
    moved = {"target_date": "2023-08-02"}
    assert days_of(choose_among(looks, TILE, aimed, tmp_path, overrides=moved)) == [4]


def test_overrides_take_scenes_out_and_in(tmp_path: Path) -> None:
    looks = [seen(4, ALL, haze=0.8), seen(15, ALL), seen(22, ALL), seen(30, ALL)]
    asked = {"exclude": [scene(30).id], "force": [scene(4).id], "end": "2023-08-20"}
    listed = choose_among(looks, TILE, SETTINGS, tmp_path, overrides=asked)
    assert days_of(listed) == [4]
    assert reason_of(listed, 4).endswith("forced in by a reviewer though hazy (score 0.80)")
    assert reason_of(listed, 30) == "excluded by a reviewer"
    assert reason_of(listed, 22) == "outside the dates that a reviewer asked for"
    assert listed.excluded == (scene(30).id,)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"exclude": [scene(4).id], "force": [scene(4).id]}, UsageError),
        ({"force": ["S2A_NOWHERE"]}, UsageError),
        ({"force": [scene(5).id]}, SourceError),
        ({"start": "yesterday"}, UsageError),
        ({"colour": "red"}, UsageError),
    ],
)
def test_overrides_that_cannot_be_met_are_refused(tmp_path: Path, asked: dict, error: type) -> None:
    looks = [seen(4, ALL), Look(scene(5), problem="it is gone.")]
    with pytest.raises(error):
        choose_among(looks, TILE, SETTINGS, tmp_path, overrides=asked)


@pytest.mark.parametrize(
    ("looks", "sentence"),
    [
        ([], "There is no candidate scene of 33TWL."),
        ([seen(4, slice(0, 0)), seen(5, slice(0, 0))], "None of the 2 scenes of 33TWL shows a clear pixel."),
        ([seen(4, ALL, haze=0.9)], "can be used: S2A_33TWL_20230804 hazy"),
        ([Look(scene(4), problem="it is gone.")], "preview could not be read: it is gone."),
    ],
)
def test_nothing_to_choose_is_one_clear_sentence_with_the_list_written(
    tmp_path: Path, looks: list[Look], sentence: str
) -> None:
    with pytest.raises(NoScenes, match=sentence):
        choose_among(looks, TILE, SETTINGS, tmp_path)
    listed = SceneList.read(tmp_path)
    assert len(listed.candidates) == len(looks)
    assert listed.chosen == ()
    assert all(one.reason for one in listed.candidates)


def test_the_written_list_comes_back_the_same(tmp_path: Path) -> None:
    looks = [seen(4, ALL, haze=0.9), seen(12, WEST), seen(20, EAST), Look(scene(5), problem="it is gone.")]
    listed = choose_among(looks, TILE, SETTINGS, tmp_path)
    assert SceneList.read(tmp_path) == listed
    content = json.loads((tmp_path / "scene_list.json").read_text())
    contract = {"id", "datetime", "cloud_cover", "clear_share", "hazy", "chosen", "rank", "reason"}
    assert all(contract <= set(one) for one in content["scenes"])
    assert content["unreadable"] == 1


def test_a_broken_list_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        SceneList.from_json({"scenes": [{"id": "only"}]})
    with pytest.raises(StorageError, match=r"previews\.npz"):
        read_masks(tmp_path)


def test_the_clear_masks_are_kept(tmp_path: Path) -> None:
    looks = [seen(12, WEST), seen(20, EAST)]
    choose_among(looks, TILE, SETTINGS, tmp_path)
    kept = read_masks(tmp_path)
    assert all(np.array_equal(kept[one.scene.id], one.clear) for one in looks)


def test_the_next_best_scene_is_the_one_that_clears_most_of_what_is_lacking(tmp_path: Path) -> None:
    looks = [seen(4, slice(100, 300)), seen(8, slice(0, 55)), seen(9, ALL, haze=0.9), seen(30, ALL)]
    listed = choose_among(looks, TILE, SETTINGS, tmp_path)
    assert best_next(listed, tmp_path) is None
    lacking = np.zeros(PREVIEW_SHAPE, np.float32)
    lacking[:, 40:120] = 0.5
    found = listed.remaining(tmp_path, lacking)
    assert [(one.candidate.datetime.day, round(one.gain * 343, 2)) for one in found] == [(4, 10.0), (8, 7.5)]
    hazy_too = replace(listed, fill_hazy=True)
    assert [one.candidate.datetime.day for one in hazy_too.remaining(tmp_path, lacking)] == [4, 8, 9]


def test_a_scene_fetched_besides_takes_the_next_rank(tmp_path: Path) -> None:
    listed = choose_among([seen(4, ALL), seen(8, ALL), seen(30, ALL)], TILE, SETTINGS, tmp_path)
    more = listed.with_added(scene(8).id, "adds 0.4 % of the tile")
    assert [(one.datetime.day, one.rank, one.added) for one in more.chosen] == [(30, 1, False), (8, 2, True)]
    assert reason_of(more, 8) == "adds 0.4 % of the tile"
    assert more.with_added(scene(8).id, "again") == more
    assert SceneList.from_json(json.loads(json.dumps(more.to_json()))) == more
    with pytest.raises(UsageError, match="S2A_NOWHERE"):
        listed.with_added("S2A_NOWHERE", "why not")


def test_a_scene_left_out_by_a_reviewer_is_not_fetched_besides(tmp_path: Path) -> None:
    looks = [seen(4, ALL), seen(8, ALL), seen(30, ALL)]
    listed = choose_among(looks, TILE, SETTINGS, tmp_path, overrides={"exclude": [scene(8).id]})
    lacking = np.ones(PREVIEW_SHAPE, bool)
    assert [one.candidate.datetime.day for one in listed.remaining(tmp_path, lacking)] == [4]


class Brightness:
    """A network's answers from brightness alone: over 0.2 is cloud, and a bright mean is haze."""

    classes = ("clear", "cloud")

    def probabilities(self, preview: np.ndarray) -> np.ndarray:
        cloud = (np.nan_to_num(preview[2]) > 0.2).astype(np.float32)
        return np.stack([1 - cloud, cloud])

    def score(self, preview: np.ndarray) -> float:
        return float(np.nanmean(preview) > 0.25)


def test_what_is_empty_or_cloud_in_a_preview_is_not_clear() -> None:
    preview = np.full((3, *PREVIEW_SHAPE), 0.05, np.float32)
    preview[:, :10] = 0.3
    preview[1, :, :20] = np.nan
    found = look_at(scene(4), lambda _: preview, Brightness(), Brightness())
    assert not found.clear[:10].any() and not found.clear[:, :20].any() and found.clear[10:, 20:].all()
    assert not found.hazy


def test_a_preview_that_cannot_be_read_is_told_and_not_raised() -> None:
    def broken(_: Scene) -> np.ndarray:
        raise SourceError("The preview is cut off.")

    found = look_at(scene(4), broken, Brightness(), Brightness())
    assert found.clear is None and found.problem == "The preview is cut off."


def test_an_empty_preview_has_nothing_clear() -> None:
    empty = np.full((3, *PREVIEW_SHAPE), np.nan, np.float32)
    found = look_at(scene(4), lambda _: empty, Brightness(), Brightness())
    assert not found.clear.any() and not found.hazy


def real_candidates(shared_data: Path, tile: str) -> list[Scene]:
    catalog = open_catalog(str(shared_data / "alpine_33TWL_33TWM" / "catalog.json"), "L2A")
    return catalog.search(tile, date(2023, 8, 1), date(2023, 8, 31), 100.0)


def by_class_map(one: Scene) -> Look:
    """What the published class map calls clear, on the preview grid by nearest pixel."""
    folder = Path(one.assets["red"].href).parent
    classes = read_raster(folder / "SCL.tif").data[0]
    at = np.minimum(((np.arange(343) + 0.5) * 320 / 120).astype(int), classes.shape[0] - 1)
    return Look(one, ~np.isin(classes[np.ix_(at, at)], (0, 3, 8, 9, 10)), 0.0)


@pytest.mark.parametrize("tile", ["33TWL", "33TWM"])
def test_real_clouds_need_two_or_three_dates(shared_data: Path, tmp_path: Path, tile: str) -> None:
    looks = [by_class_map(one) for one in real_candidates(shared_data, tile)]
    listed = choose_among(looks, Tile.parse(tile), SETTINGS, tmp_path)
    assert len(listed.candidates) == 5
    assert 2 <= len(listed.chosen) <= 3
    assert listed.reached >= 0.999
    assert listed.proof["optimal"] is True


def test_real_previews_are_looked_at_and_chosen_from(shared_data: Path, tmp_path: Path) -> None:
    listed = choose(real_candidates(shared_data, "33TWL"), TILE, SETTINGS, tmp_path)
    assert listed.unreadable == 0
    assert 1 <= len(listed.chosen) <= 3
    assert listed.reached >= 0.999
    assert SceneList.read(tmp_path) == listed


def test_a_list_is_chosen_again_from_the_masks_kept(tmp_path: Path) -> None:
    looks = [seen(4, ALL, datatake="A"), seen(9, ALL, 0.9), seen(20, ALL, datatake="B"), seen(30, ALL)]
    assert days_of(choose_among(looks, TILE, SETTINGS, tmp_path)) == [30]
    left = [one.scene for one in looks[:3]]
    assert days_of(choose_again(left, TILE, SETTINGS, tmp_path, neighbour_datatakes=[{"A"}])) == [4]
    assert reason_of(SceneList.read(tmp_path), 9) == "hazy (score 0.90)"


def test_the_picture_shows_each_preview_with_its_mask(tmp_path: Path) -> None:
    known = np.ones(PREVIEW_SHAPE, bool)
    known[:, :100] = False
    grey = np.full((172, 172, 3), 100, np.uint8)
    looks = [replace(one, seen=known, picture=grey) for one in (seen(4, slice(200, None)), seen(8, EAST))]
    tinted = masked(looks[0])
    assert (tinted[:, :50] == 190).all()
    assert (tinted[:, 50:100, 0] > tinted[:, 50:100, 1]).all()
    assert (tinted[:, 100:] == 100).all()
    choose_among([*looks, Look(scene(5), problem="it is gone.")], TILE, SETTINGS, tmp_path)
    with Image.open(tmp_path / "scene_list.png") as picture:
        assert picture.size == (10 + 3 * 182, 10 + 218 + 20 + 10)
        assert picture.getpixel((8, 8)) == (27, 120, 55)


def colours_of(path: Path, below: int) -> set[tuple[int, ...]]:
    """The colours of the pixels below a row."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture)[below:]
    return {tuple(int(part) for part in one) for one in np.unique(pixels.reshape(-1, 3), axis=0)}


def test_the_picture_draws_doubtful_ground_and_tells_its_colours(tmp_path: Path) -> None:
    known = np.ones(PREVIEW_SHAPE, bool)
    known[:, :100] = False
    grey = np.full((172, 172, 3), 100, np.uint8)
    looks = [replace(seen(4, slice(200, None)), seen=known, picture=grey)]
    tinted = masked(looks[0], margin=10 * 320.0)
    assert (tinted[:, 100:105] == (170, 142, 58)).all()
    assert (tinted[:, 105:] == 100).all() and (tinted[:, :100] == masked(looks[0])[:, :100]).all()
    for margin, lines in [(0.0, 2), (3200.0, 4)]:
        settings = replace(SETTINGS, preview_margin=margin)
        choose_among(looks, TILE, settings, tmp_path)
        keys = colours_of(tmp_path / "scene_list.png", 228)
        assert {(27, 120, 55), (214, 47, 39), (190, 190, 190)} <= keys
        assert ((255, 193, 7) in keys) == (margin > 0)
        with Image.open(tmp_path / "scene_list.png") as picture:
            assert picture.size[1] == 228 + 20 * lines + 10
            assert (np.asarray(picture)[228:, -10:] == (250, 250, 248)).all()
