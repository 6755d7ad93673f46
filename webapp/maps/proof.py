"""How well a scene list is known to be the best, in sentences for the desk."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, ngettext

Noun = Callable[[int, str], str]
"""Writes a count of something, given the target date too."""


def scenes(count: int, _: str = "") -> str:
    """So many scenes."""
    return ngettext("%(count)d scene", "%(count)d scenes", count) % {"count": count}


def strangers(count: int, _: str = "") -> str:
    """So many neighbours of one tile."""
    told = ngettext(
        "%(count)d neighbour without a common datatake",
        "%(count)d neighbours without a common datatake",
        count,
    )
    return told % {"count": count}


def pairs(count: int, _: str = "") -> str:
    """So many pairs of neighbours in a region."""
    told = ngettext(
        "%(count)d pair without a common datatake", "%(count)d pairs without a common datatake", count
    )
    return told % {"count": count}


def days(count: int, target: str) -> str:
    """So many days between the scenes and a date."""
    told = ngettext("%(count)d day from %(date)s", "%(count)d days from %(date)s", count)
    return told % {"count": count, "date": target}


def days_of_a_region(count: int, _: str = "") -> str:
    """So many days between the scenes of several tiles and their dates."""
    told = ngettext("%(count)d day from the target", "%(count)d days from the target", count)
    return told % {"count": count}


LEVELS: Mapping[str, Noun] = {"scenes": scenes, "strangers": strangers, "days": days}
OF_A_REGION: Mapping[str, Noun] = {"scenes": scenes, "strangers": pairs, "days": days_of_a_region}


def sentences_of(content: Mapping[str, Any]) -> list[str]:
    """What `scene_list.json` tells of its proof; nothing where nothing was chosen."""
    proof = content.get("proof") or {}
    if "levels" not in proof:
        return []
    standing = (
        gettext("Proven to be the best list on the previews: %(figures)s.")
        if proof["optimal"]
        else gettext("The best list found, not proven the best, on the previews: %(figures)s.")
    )
    told = [standing % {"figures": _levels(proof["levels"], LEVELS, content["target_date"])}]
    if "region" in proof:
        told.append(_region(proof["region"]))
    return [*told, _second(proof)]


def _levels(levels: Mapping[str, Any], nouns: Mapping[str, Noun], target: str) -> str:
    """Value, bound and gap of each level that has something to tell."""
    parts = []
    for name, noun in nouns.items():
        value, bound = levels[name]["value"], levels[name]["bound"]
        if name != "strangers" or value:
            parts.append(_with_gap(noun(value, target), value, bound))
    return ", ".join(parts)


def _with_gap(figure: str, value: int, bound: int | None) -> str:
    if bound is None:
        return gettext("%(figure)s (no bound is known)") % {"figure": figure}
    if bound == value:
        return figure
    told = gettext("%(figure)s (at least %(bound)d are needed, a gap of %(gap)d)")
    return told % {"figure": figure, "bound": bound, "gap": value - bound}


def _region(region: Mapping[str, Any]) -> str:
    told = (
        gettext("Chosen with the lists of %(tiles)d tiles, proven the best together: %(figures)s.")
        if region["optimal"]
        else gettext("Chosen with the lists of %(tiles)d tiles, not proven the best together: %(figures)s.")
    )
    return told % {"tiles": region["tiles"], "figures": _levels(region["levels"], OF_A_REGION, "")}


def _second(proof: Mapping[str, Any]) -> str:
    second = proof.get("second_best")
    if second is None:
        if proof["optimal"]:
            return gettext("No other list covers enough.")
        return gettext("What another list would cost was not looked for.")
    told = (
        gettext("The second-best list would cost %(difference)s: %(scenes)s.")
        if second["proven"]
        else gettext(
            "The next list found, not proven the second-best, would cost %(difference)s: %(scenes)s."
        )
    )
    difference = _difference(second, proof["levels"])
    return told % {"difference": difference, "scenes": ", ".join(second["ids"])}


def _difference(second: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """What the second list has more and fewer of."""
    parts = []
    before = {name: best[name]["value"] for name in ("scenes", "strangers", "days")}
    before["clear_pixels"] = -best["unclear"]["value"]
    for name, value in before.items():
        more = second[name] - value
        if more:
            parts.append(_more(name, abs(more)) if more > 0 else _fewer(name, abs(more)))
    return ", ".join(parts) or gettext("the same")


def _more(name: str, count: int) -> str:
    told = {
        "scenes": ngettext("%(count)d scene more", "%(count)d scenes more", count),
        "strangers": ngettext(
            "%(count)d neighbour without a common datatake more",
            "%(count)d neighbours without a common datatake more",
            count,
        ),
        "days": ngettext("%(count)d day more", "%(count)d days more", count),
        "clear_pixels": ngettext("%(count)d clear pixel more", "%(count)d clear pixels more", count),
    }
    return told[name] % {"count": count}


def _fewer(name: str, count: int) -> str:
    told = {
        "scenes": ngettext("%(count)d scene fewer", "%(count)d scenes fewer", count),
        "strangers": ngettext(
            "%(count)d neighbour without a common datatake fewer",
            "%(count)d neighbours without a common datatake fewer",
            count,
        ),
        "days": ngettext("%(count)d day fewer", "%(count)d days fewer", count),
        "clear_pixels": ngettext("%(count)d clear pixel fewer", "%(count)d clear pixels fewer", count),
    }
    return told[name] % {"count": count}
