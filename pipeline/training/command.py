"""`python -m pipeline train NAME`."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.networks import NAMES
from pipeline.training.config import PLACES, PRECISIONS, Config, default_config, parse_seeds, read_config

if TYPE_CHECKING:
    from pipeline.training.datasets import Source
    from pipeline.training.team import Team

DATA = Path("../shared/data")
CACHE = Path(".local/training")
SETTINGS = ("width", "steps", "batch", "seed", "seeds", "validation", "patience", "precision", "keep")
"""Settings of a configuration that an argument of the same name replaces."""


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, cards, checkpoint, logs")
    parser.add_argument("--config", type=Path, help="configuration (default: the one that ships)")
    parser.add_argument("--width", type=float, help="factor on the paper's channels, 1 is the paper's")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help="optimiser steps instead of the configuration's")
    length.add_argument("--epochs", type=float, help="steps so that each crop is drawn so often on average")
    parser.add_argument("--batch", type=int, help="crops a step, over all processes")
    parser.add_argument("--seed", type=int, help="of everything random")
    parser.add_argument("--seeds", help="simulator seeds within 1-7999 instead of the configuration's")
    parser.add_argument(
        "--validation",
        metavar="SEEDS|places",
        help="simulator seeds to look at beside the validation places of --data; places: these alone",
    )
    parser.add_argument(
        "--patience", type=int, help="validations without a better one that end it; 0 = never"
    )
    parser.add_argument("--precision", choices=PRECISIONS, help="of the products (default auto)")
    parser.add_argument("--from", dest="start", metavar="NAME|FILE", help="weights to start from")
    parser.add_argument(
        "--keep", type=float, help="share of the new weights in their mean with those of --from (default 1)"
    )
    parser.add_argument(
        "--encoder", type=Path, metavar="FILE", help="VGG16's ImageNet weights to start from, at width 1"
    )
    parser.add_argument("--version", help="of the new weights")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR|NAME=DIR",
        help=f"real scenes and EuroSAT (default {DATA}), or a data set's folder by its name in `sources`",
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"simulated crops (default {CACHE})")


def run_train(args: argparse.Namespace) -> int:
    """Train a network and write its weights and cards; goes on from a checkpoint in the same folder."""
    from pipeline.training.run import steps_of, train_network
    from pipeline.training.splits import check_seeds
    from pipeline.training.team import joined

    config, start = settings_of(args)
    check_seeds(config)
    with joined() as team:
        sources, validation = _sources(config, args, team)
        if args.epochs:
            config = dataclasses.replace(config, steps=steps_of(args.epochs, config, sources))
        card = train_network(
            config,
            sources,
            validation,
            args.out,
            start=start,
            encoder=args.encoder,
            command=command_of(args),
            tell=_tell,
            team=team,
        )
    if card:
        _tell(f"{args.out / card.name}.safetensors  sha256 {card.sha256}")
    return 0


def settings_of(args: argparse.Namespace) -> tuple[Config, Path | None]:
    """Return the configuration that the arguments ask for, and the weights to start from.

    Raises:
        UsageError: an argument does not fit.
        ModelError: the weights to start from cannot be used.
    """
    from pipeline.training.datasets.folders import parse_data, shares_with

    config = read_config(args.config or default_config(args.name))
    start = None
    if args.start:
        from pipeline.training.finetune import read_start, start_from

        if args.encoder:
            raise UsageError("Give --from or --encoder: each is where the weights start.", "encoder")
        if args.width:
            raise UsageError("--width is that of the weights to start from: leave it out.", "width")
        card, start = read_start(args.start, args.name)
        config = start_from(config, card, shorter=args.config is None)
    asked = {key: getattr(args, key) for key in (*SETTINGS, "version")}
    asked["sources"] = shares_with(config.sources, parse_data(args.data, DATA)[1])
    return dataclasses.replace(
        config, **{key: value for key, value in asked.items() if value is not None}
    ), start


def command_of(args: argparse.Namespace) -> str:
    """Return the command that asks for this run, without the folders of one machine."""
    words = [f"python -m pipeline train {args.name}"]
    words += [f"--config {args.config.name}"] if args.config else []
    words += [f"--from {Path(args.start).name}"] if args.start else []
    words += [f"--encoder {args.encoder.name}"] if args.encoder else []
    words += [f"--epochs {args.epochs:g}"] if args.epochs else []
    words += [f"--data {value.partition('=')[0]}=DIR" for value in args.data if "=" in value]
    return " ".join(
        words + [f"--{key} {getattr(args, key)}" for key in SETTINGS if getattr(args, key) is not None]
    )


def _sources(
    config: Config, args: argparse.Namespace, team: "Team"
) -> tuple[dict[str, "Source"], dict[str, "Source"]]:
    """Open the data sets for training and for validation; the first process draws what is not there yet."""
    from pipeline.training.datasets.folders import parse_data
    from pipeline.training.datasets.simulated import generate, kinds_for
    from pipeline.training.tasks import open_sources
    from pipeline.training.team import wait
    from pipeline.training.validation import open_validation, validation_config

    runs = [config] + ([validation_config(config)] if config.validation not in ("", PLACES) else [])
    if team.rank == 0:
        for run in runs:
            for kind in kinds_for(run.sources, run.name):
                generate(args.cache, kind, parse_seeds(run.seeds), run.crop, tell=_tell)
    wait()
    data, folders = parse_data(args.data, DATA)
    opened = open_sources(config, data, args.cache, folders)
    return opened, open_validation(config, opened, data, args.cache, folders)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
