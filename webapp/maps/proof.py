"""How well a scene list is known to be the best, in sentences for the desk."""

from collections.abc import Mapping
from typing import Any

LEVELS = {
    "scenes": ("scene", "scenes"),
    "strangers": ("neighbour without a common datatake", "neighbours without a common datatake"),
    "days": ("day from {target}", "days from {target}"),
}
OF_A_REGION = {
    "scenes": ("scene", "scenes"),
    "strangers": ("pair without a common datatake", "pairs without a common datatake"),
    "days": ("day from the target", "days from the target"),
}


def sentences_of(content: Mapping[str, Any]) -> list[str]:
    """What `scene_list.json` tells of its proof; nothing where nothing was chosen."""
    proof = content.get("proof") or {}
    if "levels" not in proof:
        return []
    target = content["target_date"]
    told = [f"{_standing(proof)}: {_levels(proof['levels'], LEVELS, target)}."]
    if "region" in proof:
        told.append(_region(proof["region"]))
    return [*told, _second(proof.get("second_best"), proof["optimal"])]


def _standing(proof: Mapping[str, Any]) -> str:
    known = "Proven to be the best list" if proof["optimal"] else "The best list found, not proven the best,"
    return f"{known} on the previews"


def _levels(levels: Mapping[str, Any], nouns: Mapping[str, tuple[str, str]], target: str) -> str:
    """Value, bound and gap of each level that has something to tell."""
    parts = []
    for name, (one, several) in nouns.items():
        value, bound = levels[name]["value"], levels[name]["bound"]
        if name != "strangers" or value:
            noun = (one if value == 1 else several).format(target=target)
            parts.append(f"{value} {noun}{_gap(value, bound)}")
    return ", ".join(parts)


def _gap(value: int, bound: int | None) -> str:
    if bound is None:
        return " (no bound is known)"
    return "" if bound == value else f" (at least {bound} are needed, a gap of {value - bound})"


def _region(region: Mapping[str, Any]) -> str:
    standing = "proven" if region["optimal"] else "not proven"
    levels = _levels(region["levels"], OF_A_REGION, "")
    return f"Chosen with the lists of {region['tiles']} tiles, {standing} the best together: {levels}."


def _second(second: Mapping[str, Any] | None, optimal: bool) -> str:
    if second is None:
        return (
            "No other list covers enough." if optimal else "What another list would cost was not looked for."
        )
    named = ", ".join(second["ids"])
    standing = (
        "The second-best list" if second["proven"] else "The next list found, not proven the second-best,"
    )
    return f"{standing} would cost {second['words']}: {named}."
