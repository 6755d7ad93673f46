"""What docs/models.md tells of the networks that ship: which commands, and what is read off their figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]
SEEDS = "9000-9004"
ALPINE, DESERT, EUROSAT = "alpine_33TWL_33TWM", "L2A_29RKH_20200219_crop", "EuroSAT_RGB"


@dataclass(frozen=True)
class Row:
    """One evaluation.

    Attributes:
        words: of `python -m pipeline evaluate`.
        told: gives from its figures what stands in the table.
        needs: folders of the shared data that it reads.
        package: that it needs besides what is installed.
    """

    words: tuple[str, ...]
    told: Callable[[Figures], str]
    needs: tuple[str, ...] = ()
    package: str = ""

    @property
    def command(self) -> str:
        """What a person types, the folder of the patches left open."""
        return " ".join(self.words)


def spread(value: float | None, interval: Sequence[float] | None = None) -> str:
    """A figure with its interval."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def figure(key: str, name: str) -> Callable[[Figures], str]:
    """Tell one figure by its name."""
    return lambda found: f"{name} {spread(found.get(key), found.get('intervals', {}).get(key))}"


def by_class(key: str, *classes: str, name: str = "") -> Callable[[Figures], str]:
    """Tell a figure of some classes."""

    def told(found: Figures) -> str:
        intervals = found.get("intervals", {}).get(key) or {}
        return ", ".join(
            f"{of} {name}{spread(found[key][of], intervals.get(of))}" for of in classes or found[key]
        )

    return told


def both(*parts: Callable[[Figures], str]) -> Callable[[Figures], str]:
    """Tell several things."""
    return lambda found: "; ".join(part(found) for part in parts)


def dates(found: Figures) -> str:
    """Tell what fused dates are worth, and single ones."""
    words = [
        f"{name}: mean IoU {spread(of['mean_iou'], of['intervals']['mean_iou'])}, ECE {of['ece']:.3f}"
        for name, of in (("fused", found), ("each date alone", found["single"]))
    ]
    for date, what in (("clearest", "the clearest date"), ("best", "the date that is truly best")):
        gain = found[date]["gain"]
        words.append(f"fused above {what}: {spread(gain['mean_iou'], gain['interval'])}")
    return "; ".join(words)


def scores(found: Figures) -> str:
    """Tell what previews score as they are, and how well hazed copies are told from them."""
    told = [f"{name.split('_')[2]} {score:.3f}" for name, score in found["scores"].items()]
    area = (
        f"{figure('auc', 'AUC')(found)} of hazed copies from the same as they are; " if "auc" in found else ""
    )
    return f"{area}scores as they are: {', '.join(told)}"


def scenes(found: Figures) -> str:
    """Tell the accuracy in each scene, and that of all points counted alike."""
    told = [
        f"{name.split('/')[-1]} {of['overall_accuracy']:.3f} of {of['pixels']} points"
        for name, of in found.get("places", {}).items()
    ]
    alike = found.get("unweighted", {}).get("overall_accuracy")
    return ", ".join([*told, f"all points counted alike {spread(alike)}"])


def recalls(found: Figures) -> str:
    """Tell overall accuracy and recalls of patches."""
    told = ", ".join(f"{name} {recall:.3f}" for name, recall in found["recall"].items())
    seen = " (the card does not say that these patches were left out of its training)"
    accuracy = figure("overall_accuracy", "overall accuracy")(found)
    return f"{accuracy}; recall {told}{seen if found['trained_on'] else ''}"


CLOUDS = by_class("f1", "cloud", "shadow", "clear", name="F1 ")
CLOUD = by_class("f1", "cloud", name="F1 ")
IOU = both(figure("mean_iou", "mean IoU"), by_class("iou"))


def simulated(name: str, metres: int, told: Callable[[Figures], str], *more: str) -> Row:
    """An evaluation on simulated scenes."""
    return Row((name, "--seeds", SEEDS, "--resolution", str(metres), *more), told)


def points(folder: str) -> Row:
    """An evaluation on points told by eye."""
    told = both(
        figure("overall_accuracy", "overall accuracy"),
        scenes,
        figure("mean_iou", "mean IoU"),
        by_class("f1", "barren", "tree", "water", "grass", "built", name="F1 "),
        figure("ece", "ECE"),
    )
    return Row(("landcover", "--points", folder), told, (ALPINE, DESERT))


TABLES: dict[str, tuple[Row, ...]] = {
    "simulated": (
        simulated("cloud", 60, CLOUDS),
        simulated("cloud", 10, CLOUDS),
        simulated("cloud", 20, CLOUDS),
        simulated("cloud", 120, CLOUDS),
        simulated("cloud", 60, CLOUDS, "--level", "L1C"),
        simulated("cloud", 10, CLOUDS, "--level", "L1C"),
        Row(("preview-cloud", "--seeds", SEEDS), CLOUD),
        Row(
            ("haze", "--seeds", SEEDS),
            both(figure("auc", "AUC"), figure("overall_accuracy", "previews right")),
        ),
        simulated("landcover", 60, IOU),
        simulated("landcover", 10, IOU),
        simulated("landcover", 60, dates, "--dates", "3"),
        simulated("landcover", 60, dates, "--dates", "5"),
        simulated("landcover", 10, dates, "--dates", "3"),
    ),
    "real": (
        Row(("cloud", "--on", "alpine-trained"), CLOUDS, (ALPINE,)),
        Row(("cloud", "--on", "alpine-held-out"), CLOUDS, (ALPINE,)),
        Row(("cloud", "--on", "desert"), by_class("recall", "clear", "cloud", name="found "), (DESERT,)),
        Row(("preview-cloud", "--on", "alpine-trained"), CLOUD, (ALPINE,)),
        Row(("preview-cloud", "--on", "alpine-held-out"), CLOUD, (ALPINE,)),
        Row(("haze", "--on", "alpine-held-out"), scores, (ALPINE,)),
        Row(("landcover", "--on", "alpine-held-out", "--dates", "5"), dates, (ALPINE,)),
        Row(
            ("buildings", "--on", "eurosat"),
            by_class("f1", "residential", "industrial", name="F1 "),
            (EUROSAT,),
        ),
        Row(("buildings", "--eurosat", "DIR", "--fit"), recalls, (EUROSAT,)),
    ),
    "hand": (
        points("tests/data/landcover-points-2"),
        points("tests/data/landcover-points"),
        Row(("preview-cloud", "--windows", "tests/data/cloud-labels"), CLOUD, (ALPINE, DESERT)),
    ),
}
WINDOWS = Row(
    ("cloud", "--windows", "tests/data/cloud-labels", "--beside", "ukis-csmask"),
    CLOUDS,
    (ALPINE, DESERT),
    "ukis_csmask",
)
ROWS = (*(row for rows in TABLES.values() for row in rows), WINDOWS)
