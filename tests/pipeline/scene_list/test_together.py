"""Lists of neighbours that are made together share datatakes where that costs no scene."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline import several
from pipeline.build import CANDIDATES, Build
from pipeline.catalog.scene import Scene
from pipeline.grid import Tile
from pipeline.scene_list import Look, Member, SceneList, choose_among, choose_together, together
from pipeline.scene_list.masks import PREVIEW_SHAPE
from pipeline.scene_list.region import Region, RegionSolution
from pipeline.settings import CampaignSettings
from pipeline.storage import write_json

SETTINGS = CampaignSettings(
    date(2023, 8, 1), date(2023, 8, 31), resolution=60, agree_datatakes=True, series=1
)


def look_of(tile: str, day: int, datatake: str) -> Look:
    taken = datetime(2023, 8, day, 10, 5, tzinfo=UTC)
    scene = Scene(f"S2A_{tile}_{day:02d}", tile, taken, "L2A", "05.09", datatake, 10.0, {})
    return Look(scene, np.ones(PREVIEW_SHAPE, bool), 0.1)


@pytest.fixture
def builds(tmp_path: Path) -> list[Build]:
    """Two neighbours, each with a list of its own: their best dates are of different datatakes."""
    days = {"33TWL": {4: "A", 20: "B"}, "33TXL": {5: "A", 28: "C"}}
    made = []
    for tile, takes in days.items():
        build = Build(Tile.parse(tile), SETTINGS, tmp_path / tile)
        looks = [look_of(tile, day, take) for day, take in takes.items()]
        choose_among(looks, build.tile, SETTINGS, build.folder)
        asked = {"scenes": [one.scene.to_json() for one in looks], "rejected": [], "overrides": {}}
        write_json(build.folder / CANDIDATES, asked | {"neighbour_datatakes": []})
        made.append(build)
    return made


def days_of(build: Build) -> list[int]:
    return [one.datetime.day for one in build.scene_list().chosen]


def test_neighbours_made_together_share_a_datatake(builds: list[Build]) -> None:
    assert [days_of(build) for build in builds] == [[20], [28]]
    several.agree(builds)
    assert [days_of(build) for build in builds] == [[4], [5]]
    proof = SceneList.read(builds[0].folder).proof
    assert proof["optimal"] and proof["method"] == "region"
    assert proof["region"]["levels"]["strangers"] == {"value": 0, "bound": 0}
    assert proof["second_best"]["words"].startswith(
        "1 neighbour without a common datatake more, 16 days fewer"
    )


def members_of(builds: list[Build]) -> list[Member]:
    return [Member(build.tile, build.folder, list(build.candidates().values())) for build in builds]


def test_lists_that_are_not_proven_the_best_tell_the_next_ones_unproven(builds: list[Build]) -> None:
    found = choose_together(members_of(builds), SETTINGS, time_limit=0.0)
    for build in builds:
        proof = found[build.tile.name].proof
        assert not proof["optimal"]
        assert proof["second_best"]["proven"] is False
        assert proof["second_best"]["ids"] != [one.id for one in found[build.tile.name].chosen]
        assert proof["second_best"]["words"].endswith("days more")


def test_a_list_that_proves_better_beside_the_others_is_taken(
    builds: list[Build], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurried(region: Region, time_limit: float) -> RegionSolution:
        chosen = {"33TWL": (1,), "33TXL": (0,)}
        return RegionSolution(
            chosen, region.cost(chosen), (2, None, None), False, 0.0, dict.fromkeys(chosen, 1)
        )

    monkeypatch.setattr(together, "solve_region", hurried)
    found = choose_together(members_of(builds), SETTINGS)
    assert [days_of(build) for build in builds] == [[4], [5]]
    proof = found["33TWL"].proof
    assert proof["levels"]["strangers"]["value"] == 0
    assert proof["region"]["levels"]["strangers"] == {"value": 0, "bound": None}
    assert proof["second_best"]["ids"] == ["S2A_33TWL_20"]
    assert proof["second_best"]["words"].startswith("1 neighbour without a common datatake more")


def test_lists_of_finished_neighbours_stay_and_count(builds: list[Build]) -> None:
    several.agree(builds[1:], builds[:1])
    assert [days_of(build) for build in builds] == [[20], [28]]
    stored = json.loads((builds[1].folder / CANDIDATES).read_text())
    assert stored["neighbour_datatakes"] == [["B"]]


def test_a_run_of_several_tiles_chooses_its_lists_together(
    builds: list[Build], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {build.tile.name: build for build in builds}
    assert several.make_lists(named, "nowhere", lambda tile, step: None) == {}
    assert [days_of(build) for build in builds] == [[4], [5]]
    apart = {
        name: replace(build, settings=replace(SETTINGS, agree_datatakes=False))
        for name, build in named.items()
    }
    monkeypatch.setattr(several, "agree", lambda *_: pytest.fail("the campaign did not ask for it"))
    several.make_lists(apart, "nowhere", lambda tile, step: None)
