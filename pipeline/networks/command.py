"""`python -m pipeline register` and `models`, and the arguments that choose weights of one's own."""

import argparse
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.networks import NAMES, Chosen, Store
from pipeline.networks.pin import Pin

MODELS = Path(".local/models")


def add_register_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `register`."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("source", type=Path, metavar="DIR", help="where `train` left weights and card")
    add_models_argument(parser)


def run_register(asked: argparse.Namespace) -> None:
    """Check weights, copy them into the folder of models, and print what a campaign pins."""
    found = Store(asked.models).add(asked.name, asked.source)
    print(f"{asked.name} {found.pin}")


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `models`."""
    add_models_argument(parser)


def run_models(asked: argparse.Namespace) -> None:
    """The weights that can be pinned, one a line."""
    for name in NAMES:
        for found in Store(asked.models).all(name):
            origin = "ships" if found.shipped else found.card.made_from and f"from {found.card.made_from}"
            print("\t".join([name, str(found.pin), origin or "registered"]))


def add_models_argument(parser: argparse.ArgumentParser) -> None:
    """The argument that names the folder of registered weights."""
    parser.add_argument(
        "--models",
        type=Path,
        default=MODELS,
        metavar="DIR",
        help=f"registered weights (default {MODELS}; of a web application .models in its storage)",
    )


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that choose other weights than those that ship."""
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="NAME=VERSION",
        help="registered weights of a network instead of those that ship, also as VERSION@sha256:HASH",
    )
    add_models_argument(parser)


def pins_asked(asked: argparse.Namespace) -> dict[str, str]:
    """The pins of `--network` by name.

    Raises:
        UsageError: an argument is no pin, or a network is given twice.
    """
    pins: dict[str, str] = {}
    for text in asked.network:
        name, mark, pin = text.partition("=")
        if not mark or name in pins:
            raise UsageError(f"Give each --network once, as NAME=VERSION, not {text!r}.", "network")
        pins[name] = str(Pin.parse(pin))
    return pins


def networks_asked(asked: argparse.Namespace) -> Chosen:
    """The networks that the arguments choose.

    Raises:
        UsageError: an argument is no pin.
        ModelError: there are no such weights.
    """
    chosen = Chosen(pins_asked(asked), asked.models)
    chosen.check()
    return chosen
