"""The paper's two claims on landcover, tried on the simulator with equal budgets and several trainings.

Three networks (water, vegetation, buildings) against one for all six classes: the same crops, the same
recipe, as many steps of as many crops in all. The one network is as wide as each of the three ("one"), or
wider, so that it has as many weights as the three together ("wide"). It reads the bands that the three see
together. Then fused dates against single ones, with the three networks of each training.
"""

import argparse
import dataclasses
import datetime as dt
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.networks.modules import tensors_of
from pipeline.networks.network import Network
from pipeline.networks.registry import WEIGHTS
from pipeline.training.cases import Case, simulated_labels
from pipeline.training.config import Config, default_config, parse_seeds, read_config
from pipeline.training.datasets import Sample
from pipeline.training.datasets.drawing import draw_windows
from pipeline.training.datasets.simulated import cache_folder, generate, read_cache
from pipeline.training.evaluate import judged_by
from pipeline.training.judge import LANDCOVER, LANDCOVER_NETWORKS, Judge
from pipeline.training.loop import train
from pipeline.training.metrics import figures
from pipeline.training.run import plan_of
from pipeline.training.series import Series, judged_anew, on_series, series_of
from pipeline.training.tally import Tally, draws, interval
from pipeline.training.tasks import batches, class_weights, loss_of, new_module
from pipeline.training.team import Team
from pipeline.training.watch import Watch
from script.lib.models import page
from script.lib.models.rows import spread
from script.lib.places import LOCAL
from script.lib.say import Trouble, say

METRES, KIND, SIDE = 60, "coarse", 256
DATES, WINDOWS = 3, 2
BANDS = ("blue", "green", "red", "nir")
LANDCOVER_CASES = "landcover"
WIDER = 3**0.5
"""Weights grow with the square of the width."""

Tallies = list[Tally]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/claims", description=__doc__)
    parser.add_argument("--seeds", default="1-40", help="simulator seeds trained on (default 1-40)")
    parser.add_argument("--test", default="9000-9009", help="measured on (default 9000-9009)")
    parser.add_argument("--trainings", type=int, default=3, help="of each (default 3)")
    parser.add_argument("--width", type=float, default=0.0625, help="of the three networks (default 0.0625)")
    parser.add_argument("--steps", type=int, default=600, help="of each of the three (default 600)")
    parser.add_argument("--batch", type=int, default=8, help="crops a step (default 8)")
    parser.add_argument("--crop", type=int, default=96, help="side of a crop (default 96)")
    parser.add_argument("--work", type=Path, default=LOCAL / "claims", help="folder of crops and checkpoints")
    parser.add_argument("--json", type=Path, default=page.KEPT)
    parser.add_argument("--page", type=Path, default=page.DOCUMENT)
    asked = parser.parse_args(arguments)
    test = parse_seeds(asked.test)
    if test[0] < 8000:
        raise Trouble(f"Seeds {asked.test} are trained on: only 8000 and up serve for tests.", 2)
    began = time.monotonic()
    generate(asked.work / "crops", KIND, parse_seeds(asked.seeds), asked.crop, tell=say)
    crops = list(read_cache(cache_folder(asked.work / "crops", KIND, asked.crop), parse_seeds(asked.seeds)))
    judges = {number: trained(asked, crops, number) for number in range(1, asked.trainings + 1)}
    found = {
        "budget": budget(asked),
        "networks": against_each_other(list(judges.values()), list(cases(test))),
        "dates": of_dates([judge["three"] for judge in judges.values()], test),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    say(json.dumps(found, indent=1))
    page.keep(asked.json, COMMAND, {"asked": command(asked), **found}, {}, dt.date.today().isoformat())
    page.write(asked.page, page.read(asked.json), {"claims": table})
    return 0


COMMAND = "script/claims"


def command(asked: argparse.Namespace) -> str:
    """What makes these figures again."""
    names = ("seeds", "test", "trainings", "width", "steps", "batch", "crop")
    return " ".join([COMMAND, *(f"--{name} {getattr(asked, name)}" for name in names)])


class Crops:
    """Drawn crops with the labels of a network, or of all six classes."""

    def __init__(self, crops: Iterable[Any], name: str) -> None:
        self.samples = [Sample(drawn.reflectance, simulated_labels(name, drawn)) for drawn in crops]

    def sample(self, rng: np.random.Generator) -> Sample:
        return self.samples[int(rng.integers(len(self.samples)))]


def plans(asked: argparse.Namespace, seed: int) -> dict[str, Config]:
    """The trainings of one seed by name: three networks, one, and one that is wider."""
    common = {"sources": {"crops": 1.0}, "class_weights": (), "reach": 0, "seed": seed}
    common |= {"batch": asked.batch, "crop": asked.crop, "width": asked.width, "seeds": asked.seeds}
    # The configurations change crops each in its own way: here all are given one recipe.
    common |= {"season": 0.0, "toned": 0.0, "radiometry": 1.0, "precision": "auto", "version": "0.0.0"}
    three = {
        name: dataclasses.replace(read_config(default_config(name)), steps=asked.steps, lean=(), **common)
        for name in LANDCOVER_NETWORKS
    }
    steps = asked.steps * len(three)
    one = dataclasses.replace(
        three["water"], name=LANDCOVER_CASES, bands=BANDS, classes=LANDCOVER, steps=steps
    )
    return {**three, "one": one, "wide": dataclasses.replace(one, width=asked.width * WIDER)}


def trained(asked: argparse.Namespace, crops: Sequence[Any], seed: int) -> dict[str, Judge]:
    """The judges "three", "one" and "wide" of one seed; a training that has ended is not done again."""
    from pipeline.landcover.combine import combine

    networks = {}
    for name, config in plans(asked, seed).items():
        module, sources = new_module(config), {"crops": Crops(crops, config.name)}
        tell = Watch(lambda line, name=name: say(f"training {seed}, {name}: {line}"), every=200)
        checkpoint = asked.work / f"{config.fingerprint()[:16]}.safetensors"
        loss = loss_of(config, class_weights(config, sources))
        run = config.fingerprint()
        train(
            module, batches(config, sources), loss, plan_of(config, Team()), checkpoint, watch=tell, run=run
        )
        networks[name] = Network(config.card(), tensors_of(module))
    parts = [networks[name] for name in LANDCOVER_NETWORKS]
    judges = {
        "three": Judge("three", "", LANDCOVER, lambda x: combine(*(one.probabilities(x) for one in parts)))
    }
    for name in ("one", "wide"):
        judges[name] = Judge(name, "", LANDCOVER, networks[name].probabilities)
    return judges


def budget(asked: argparse.Namespace) -> dict[str, Any]:
    """Steps, crops and weights of each side."""

    def weights(*configs: Config) -> int:
        return sum(value.numel() for config in configs for value in new_module(config).parameters())

    made = plans(asked, 1)
    sides = {
        "three": [made[name] for name in LANDCOVER_NETWORKS],
        "one": [made["one"]],
        "wide": [made["wide"]],
    }
    return {
        name: {
            "steps": sum(config.steps for config in configs),
            "crops": sum(config.steps * config.batch for config in configs),
            "weights": weights(*configs),
        }
        for name, configs in sides.items()
    }


def cases(seeds: Sequence[int]) -> Iterable[Case]:
    """Windows of the places kept for tests, each of one date, with little cloud."""
    for seed in seeds:
        for number, drawn in enumerate(draw_windows(seed, METRES, SIDE, clear=True, count=WINDOWS)):
            yield Case(
                f"seed {seed}", str(number), drawn.reflectance, simulated_labels(LANDCOVER_CASES, drawn)
            )


def against_each_other(judges: Sequence[dict[str, Judge]], tested: Sequence[Case]) -> dict[str, Any]:
    """Mean IoU of each side: the mean over the trainings, each training's, and the lead of the three."""
    tallies = {name: [counted(one[name], tested) for one in judges] for name in ("three", "one", "wide")}
    told = {
        name: {
            "mean_iou": round(mean_iou(sides)[0], 4),
            "interval": interval(mean_iou(sides)[1]),
            "trainings": [side.figures()["mean_iou"] for side in sides],
            "iou": by_class(sides),
        }
        for name, sides in tallies.items()
    }
    leads = {}
    for name in ("one", "wide"):
        (three, drawn_three), (other, drawn_other) = mean_iou(tallies["three"]), mean_iou(tallies[name])
        leads[name] = {"mean_iou": round(three - other, 4), "interval": interval(drawn_three - drawn_other)}
    return {**told, "lead": leads}


def counted(judge: Judge, tested: Sequence[Case]) -> Tally:
    """The counts of a judge by place."""
    tally = Tally(LANDCOVER)
    for case, probabilities in judged_by(judge, tested):
        tally.add(case.place, case.labels, probabilities)
    return tally


def mean_iou(sides: Tallies) -> tuple[float, np.ndarray]:
    """Mean IoU, the mean over trainings, of all places and of places drawn again (the same for all)."""
    places = list(sides[0].places)
    stacks = [np.stack([side.places[place] for place in places]) for side in sides]

    def of(chosen: np.ndarray) -> float:
        return float(
            np.mean([figures(np.tensordot(chosen, one, 1), LANDCOVER)["mean_iou"] for one in stacks])
        )

    return of(np.ones(len(places))), np.array([of(chosen) for chosen in draws(len(places))])


def by_class(sides: Tallies) -> dict[str, float]:
    """IoU of each class, the mean over trainings."""
    each = [side.figures()["iou"] for side in sides]
    return {name: round(float(np.mean([of[name] or 0 for of in each])), 4) for name in LANDCOVER}


def of_dates(judges: Sequence[Judge], seeds: Sequence[int]) -> dict[str, Any]:
    """Fused dates beside single ones, with the networks of each training and with those that ship."""
    seen: list[Series] = list(series_of(seeds, METRES, WEIGHTS, DATES, SIDE, WINDOWS))
    told = {
        str(number): gains(judged_anew(item, judge) for item in seen)
        for number, judge in enumerate(judges, start=1)
    }
    return {**told, "shipped": gains(seen)}


def gains(seen: Iterable[Series]) -> dict[str, Any]:
    """What fused dates are worth beside single ones."""
    found = on_series(seen)
    return {
        "fused": found["mean_iou"],
        "single": found["single"]["mean_iou"],
        **{
            date: {**found[date]["gain"], "alone": found[date]["alone"]["mean_iou"]}
            for date in ("clearest", "best")
        },
    }


def table(found: page.Found) -> list[str]:
    """What docs/models.md shows."""
    if COMMAND not in found:
        return []
    kept = found[COMMAND]["figures"]
    sides = {
        "three": "three networks",
        "one": "one network, as wide as each of the three",
        "wide": "one network with as many weights as the three",
    }
    lines = [
        f"    {kept['asked']}",
        "",
        "| | steps x crops | weights | mean IoU | of each training | the three lead by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, what in sides.items():
        side, cost = kept["networks"][name], kept["budget"][name]
        lead = kept["networks"]["lead"].get(name)
        each = ", ".join(f"{value:.3f}" for value in side["trainings"])
        cells = [
            what,
            f"{cost['crops']:,}",
            f"{cost['weights']:,}",
            spread(side["mean_iou"], side["interval"]),
        ]
        cells += [each, spread(lead["mean_iou"], lead["interval"]) if lead else ""]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| networks | each date alone | fused | fused above the clearest date | above the truly best date |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, of in kept["dates"].items():
        what = "that ship" if name == "shipped" else f"of training {name}"
        rises = [spread(of[date]["mean_iou"], of[date]["interval"]) for date in ("clearest", "best")]
        lines.append(f"| {what} | {of['single']:.3f} | {of['fused']:.3f} | {rises[0]} | {rises[1]} |")
    return [*lines, "", f"Measured {found[COMMAND]['date']}, in {kept['minutes']:.0f} minutes."]
