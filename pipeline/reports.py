"""The report.json of a build and of a revision: what was reached, from which scenes, with which models."""

from collections.abc import Mapping
from typing import Any

from pipeline.build import Build
from pipeline.settings import CampaignSettings
from pipeline.storage import write_json

REPORT = "report.json"


def write_build_report(
    build: Build, traffic: Mapping[str, Any], fill: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write a build's report.json: coverage, residual cloud, bytes, seconds, memory, models, warnings.

    Args:
        build: with the figures of all its steps.
        traffic: the figures of what was fetched.
        fill: the figures of the holes that show older dates, where the campaign wants that.

    Returns:
        The report.
    """
    notes, composite, cards = build.notes(), build.notes()["composite"], build.networks.cards()
    report = {
        "tile": build.tile.name,
        "settings": build.settings.to_json(),
        "coverage": composite["coverage"],
        "residual_cloud": composite["residual_cloud"],
        "scenes": [candidate.id for candidate in build.scene_list().chosen],
        "series": [scene.id for scene in build.series()],
        **traffic,
        "peak_memory_mib": max(notes.get("peak_memory_mib", [0.0])),
        "seconds": notes.get("seconds", {}),
        "models": {name: card.version for name, card in cards.items()},
        "weights": {name: card.sha256 for name, card in cards.items()},
        "composite": composite,
        "landcover": notes.get("landcover", {}),
        "warnings": notes.get("warnings", []) + _hole_warnings(composite, fill),
        **({"fill": dict(fill)} if fill else {}),
    }
    write_json(build.folder / REPORT, report)
    return report


def write_revision_report(
    build: Build,
    own: Mapping[str, Any],
    blended: Mapping[str, Any],
    classes: Mapping[str, Any],
    fills: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Write a revision's report.json: that of its own build with the figures of the blend.

    Args:
        build: the tile and the folder of the revision.
        own: the report of the tile's own build.
        blended: figures of the mosaic.
        classes: figures of the landcover.
        fills: figures of the holes that show older dates, of each tile whose fill shows in this mosaic.

    Returns:
        The report.
    """
    notes = build.notes()
    report = dict(own) | {
        "seam_score": blended["seam_score"],
        "mosaic": blended,
        "classes": classes,
        "inputs": blended["inputs"],
        "seconds": own["seconds"] | notes["seconds"],
        "peak_memory_mib": max([own["peak_memory_mib"], *notes["peak_memory_mib"]]),
    }
    report.pop("fill", None)
    if build.settings.fill_range:
        report["fill"] = _shown(build.settings, blended["filled"], fills)
    write_json(build.folder / REPORT, report)
    return report


def _shown(
    settings: CampaignSettings, share: float, fills: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What of a mosaic shows older dates only, and which scenes; their shares are of their own tile."""
    first, last = settings.fill_range or (None, None)
    scenes = [
        {"tile": tile, **{name: scene[name] for name in ("id", "datetime", "rank", "share")}}
        for tile, fill in sorted(fills.items())
        for scene in fill["scenes"]
        if scene["share"] > 0
    ]
    return {"start": str(first), "end": str(last), "share": share, "scenes": scenes}


def _hole_warnings(composite: Mapping[str, Any], fill: Mapping[str, Any] | None) -> list[str]:
    holes = 1 - composite["coverage"]
    if holes <= 0:
        return []
    covered = f"{holes:.3%} of the tile is covered by no clear scene"
    if not fill or not fill["share"]:
        return [f"{covered} and stays empty."]
    days = sorted({scene["datetime"][:10] for scene in fill["scenes"] if scene["share"] > 0})
    return [f"{covered}; {fill['share']:.3%} shows older dates ({', '.join(days)}), for display only."]
