"""`python -m pipeline train NAME` and `python -m pipeline evaluate NAME`."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.networks import NAMES
from pipeline.networks.registry import WEIGHTS
from pipeline.training.config import default_config, parse_seeds, read_config

DATA = Path("../shared/data")
CACHE = Path(".local/training")
LAST_TRAINING_SEED = 7999


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, cards, checkpoint")
    parser.add_argument("--config", type=Path, help="configuration (default: the one that ships)")
    parser.add_argument("--steps", type=int, help="optimiser steps instead of the configuration's")
    parser.add_argument("--data", type=Path, default=DATA, help=f"real scenes and EuroSAT (default {DATA})")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"simulated crops (default {CACHE})")
    parser.add_argument("--seeds", help="simulator seeds within 1-7999 instead of the configuration's")


def run_train(args: argparse.Namespace) -> int:
    """Train a network and write its weights and cards; goes on from a checkpoint in the same folder."""
    from pipeline.training.datasets.simulated import generate, kinds_for
    from pipeline.training.export import export, leant
    from pipeline.training.loop import train
    from pipeline.training.tasks import batches, loss_of, new_module, open_sources

    config = read_config(args.config or default_config(args.name))
    asked = {"steps": args.steps, "seeds": args.seeds}
    config = dataclasses.replace(config, **{key: value for key, value in asked.items() if value is not None})
    seeds = parse_seeds(config.seeds)
    if seeds[0] < 1 or seeds[-1] > LAST_TRAINING_SEED:
        raise UsageError(
            f"Seeds {config.seeds} cannot be trained on: only 1 to {LAST_TRAINING_SEED}.", "seeds"
        )
    for kind in kinds_for(config.sources, config.name):
        generate(args.cache, kind, seeds, config.crop, tell=_tell)
    module = new_module(config)
    train(
        module,
        batches(config, open_sources(config, args.data, args.cache)),
        loss_of(config),
        steps=config.steps,
        highest_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        checkpoint=args.out / "checkpoints" / f"{config.name}.safetensors",
        tell=_tell,
    )
    card = export(leant(module, config.lean), config.card(), args.out)
    _tell(f"{args.out / card.name}.safetensors  sha256 {card.sha256}")
    return 0


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `evaluate`."""
    names = (*NAMES, "landcover", "tone")
    parser.add_argument("name", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--seeds", default="9000-9004", help="simulator seeds (default 9000-9004)")
    parser.add_argument("--resolution", type=float, default=60, help="metres (default 60)")
    parser.add_argument(
        "--on",
        choices=("simulated", "alpine-trained", "alpine-held-out", "alpine", "desert", "eurosat"),
        default="simulated",
        help="what to evaluate on (default: simulated scenes)",
    )
    parser.add_argument("--data", type=Path, default=DATA, help=f"real scenes and EuroSAT (default {DATA})")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of weights (default: shipped)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--picture", type=Path, help="of `tone`: true colour beside the fitted curve")
    parser.add_argument(
        "--measure", metavar="NAME|FILE", help="of `tone`: this curve instead of a fitted one"
    )
    parser.add_argument("--record", action="store_true", help="write the figures into the network's cards")


def run_evaluate(args: argparse.Namespace) -> int:
    """Measure a network and print its figures."""
    found = _figures(args)
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if args.record and args.name in NAMES:
        from pipeline.training.export import record

        record(args.name, args.weights, _command(args), found)
    return 0


def _figures(args: argparse.Namespace) -> dict[str, Any]:
    from pipeline.training.evaluate import on_alpine, on_desert, on_eurosat, on_seeds

    if args.name == "tone":
        return _tone_figures(args)
    if args.on == "simulated":
        return on_seeds(args.name, parse_seeds(args.seeds), args.resolution, args.weights)
    if args.on == "eurosat":
        if args.name != "buildings":
            raise UsageError(f"EuroSAT says nothing about {args.name!r}, only about 'buildings'.", "on")
        return on_eurosat(args.data, args.weights)
    if args.on == "desert":
        if args.name != "cloud":
            raise UsageError(f"The desert scene is for 'cloud', not for {args.name!r}.", "on")
        return on_desert(args.data, args.weights)
    if args.on == "alpine" or args.name not in ("cloud", "preview-cloud", "haze"):
        raise UsageError(f"The alpine scenes have no labels for {args.name!r}.", "on")
    return on_alpine(args.name, args.data, args.on == "alpine-held-out", args.weights)


def _tone_figures(args: argparse.Namespace) -> dict[str, Any]:
    from pipeline.commands import read_tone
    from pipeline.tone import load_tone
    from pipeline.training.tones import evaluate_tone

    if args.on not in ("simulated", "alpine", "desert"):
        raise UsageError(f"Tone curves are measured on simulated, alpine or desert, not on {args.on}.", "on")
    given = load_tone(read_tone(args.measure)) if args.measure else None
    return evaluate_tone(args.on, args.data, parse_seeds(args.seeds), args.resolution, args.picture, given)


def _command(args: argparse.Namespace) -> str:
    command = f"python -m pipeline evaluate {args.name}"
    if args.on != "simulated":
        return f"{command} --on {args.on}"
    resolution = "" if args.name in ("haze", "preview-cloud") else f" --resolution {args.resolution:g}"
    return f"{command} --seeds {args.seeds}{resolution}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
