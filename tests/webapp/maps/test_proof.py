"""The sentences on the proof of a scene list."""

from pipeline.scene_list.objective import Cost
from pipeline.scene_list.region import RegionCost, RegionSolution
from pipeline.scene_list.second import Second
from pipeline.scene_list.solve import Solution
from webapp.maps.proof import sentences_of


def cost(scenes, strangers, days, *ids):
    return Cost(scenes, strangers, days, -1000, ids)


def told(bounds, optimal, second, region=None):
    solution = Solution(
        (0, 1), cost(5, 2, 120, "a", "b"), bounds, optimal, "count", 9, 9, 0.1, second, region
    )
    return sentences_of({"target_date": "2023-08-31", "proof": solution.to_json()})


def test_a_list_that_is_not_proven_tells_its_bounds_and_gaps():
    other = Second(cost(5, 2, 121, "a", "c"), False)
    assert told((4, None, None, None), False, other) == [
        "The best list found, not proven the best, on the previews: 5 scenes (at least 4 are needed, a gap "
        "of 1), 2 neighbours without a common datatake (no bound is known), 120 days from 2023-08-31 (no "
        "bound is known).",
        "The next list found, not proven the second-best, would cost 1 day more: a, c.",
    ]


def test_a_proven_list_without_another_says_so():
    assert told((5, 2, 120, -1000), True, None) == [
        "Proven to be the best list on the previews: 5 scenes, 2 neighbours without a common datatake, "
        "120 days from 2023-08-31.",
        "No other list covers enough.",
    ]
    assert told((5, 2, 120, None), False, None)[1] == "What another list would cost was not looked for."


def test_a_list_chosen_with_others_tells_of_all_of_them():
    chosen = {"33TWL": (0,), "33TXL": (0,)}
    region = RegionSolution(chosen, RegionCost(9, 1, 300, 0, ()), (9, 0, 250), False, 1.0, {})
    second = Second(cost(5, 3, 119, "a", "c"), True)
    assert told((5, None, None, None), False, second, region.to_json())[1:] == [
        "Chosen with the lists of 2 tiles, not proven the best together: 9 scenes, 1 pair without a common "
        "datatake (at least 0 are needed, a gap of 1), 300 days from the target (at least 250 are needed, a "
        "gap of 50).",
        "The second-best list would cost 1 neighbour without a common datatake more, 1 day fewer: a, c.",
    ]


def test_a_list_of_nothing_has_no_proof():
    assert sentences_of({"target_date": "2023-08-31", "proof": {}}) == []
