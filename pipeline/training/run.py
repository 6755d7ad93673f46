"""One training run from its configuration and data sets to weights with a card."""

import dataclasses
import math
import os
import platform
from collections.abc import Callable, Mapping, Sized
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import UsageError
from pipeline.networks.card import Card, read_card
from pipeline.networks.vgg import load_vgg16
from pipeline.training.checkpoint import Progress
from pipeline.training.config import Config
from pipeline.training.datasets import Source
from pipeline.training.datasets.folders import OPENERS
from pipeline.training.export import export, leant
from pipeline.training.finetune import fill, mixed
from pipeline.training.loop import Plan, best_precision, train
from pipeline.training.splits import places_of, with_earlier
from pipeline.training.tasks import batches, class_weights, loss_of, new_module
from pipeline.training.team import Team
from pipeline.training.validation import validator
from pipeline.training.watch import Watch


def steps_of(epochs: float, config: Config, sources: Mapping[str, Source]) -> int:
    """Return after how many steps each crop has been drawn so often on average.

    Raises:
        UsageError: a data set does not tell how many crops it has.
    """
    crops = 0
    for name, source in sources.items():
        if not isinstance(source, Sized):
            raise UsageError(f"The data set {name!r} is endless: give --steps instead of --epochs.", "epochs")
        crops += len(source)
    return max(1, math.ceil(epochs * crops / config.batch))


def train_network(
    config: Config,
    sources: dict[str, Source],
    validation: dict[str, Source],
    out: Path,
    *,
    start: Path | None = None,
    encoder: Path | None = None,
    command: str = "",
    tell: Callable[[str], None] = print,
    team: Team | None = None,
) -> Card | None:
    """Train, and write weights and cards into a folder; goes on from the checkpoint there.

    Args:
        config: the training run.
        sources: its data sets.
        validation: those of the validation places; empty = no validation.
        out: the folder; the checkpoint lies in `checkpoints/`, logs for TensorBoard in `logs/`.
        start: weights to start from, of the configuration's shapes; None = drawn by chance.
        encoder: VGG16's weights for the encoder of a U-Net of width 1; None = drawn by chance.
        command: what a person types for this run, for the card.
        tell: takes a line of progress.
        team: the processes that train together.

    Returns:
        The card; None in all processes but the first.

    Raises:
        UsageError: the checkpoint is of another run, or a place is in two splits.
        ModelError: the weights to start from, or those of the encoder, do not fit.
    """
    team = team or Team()
    places = places_of(config, sources)
    if start:
        places = with_earlier(places, read_card(start.with_suffix(".json")).places)
    module = new_module(config)
    if start:
        fill(module, start)
    if encoder:
        load_vgg16(module, encoder)
    progress = train(
        module,
        batches(config, sources, team),
        loss_of(config, class_weights(config, sources)),
        plan_of(config, team),
        out / "checkpoints" / f"{config.name}.safetensors",
        validate=validator(config, validation, team) if validation else None,
        watch=Watch(tell, logs=out / "logs" / config.name),
        team=team,
        run=config.fingerprint(),
    )
    if team.rank:
        return None
    if start and config.keep < 1:
        mixed(module, start, config.keep)
    about = _about(config, progress, team, command)
    licences = [source.licence for name, source in sorted(sources.items()) if name in OPENERS]
    trained_on = tuple(dict.fromkeys((*config.trained_on, *licences)))
    card = dataclasses.replace(config.card(), places=places, training=about, trained_on=trained_on)
    return export(leant(module.cpu(), config.lean), card, out)


def plan_of(config: Config, team: Team) -> Plan:
    """Return how a configuration is trained on the machine that this is.

    Raises:
        UsageError: there are fewer crops in a batch than processes.
    """
    if config.batch < team.size:
        raise UsageError(f"A batch of {config.batch} is too small for {team.size} processes.", "batch")
    precision = best_precision(team.device) if config.precision == "auto" else config.precision
    if precision == "float16" and team.device.type != "cuda":
        raise UsageError("float16 needs a GPU; give --precision float32.", "precision")
    # Beside a GPU, one thread could not make the batches as fast as they are used up.
    loaders = 1 if team.device.type == "cpu" else max(1, (os.cpu_count() or 1) // team.size - 1)
    return Plan(
        steps=config.steps,
        highest_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        validate_every=config.validate_every,
        patience=config.patience,
        precision=precision,
        loaders=loaders,
    )


def machine(team: Team) -> str:
    """Return what the processes compute on, in words."""
    if team.device.type == "cuda":
        return f"{team.size} x {torch.cuda.get_device_name(team.device)}"
    return f"{torch.get_num_threads() * team.size} threads of {platform.machine()}"


def _about(config: Config, progress: Progress, team: Team, command: str) -> dict[str, Any]:
    return {
        "command": command,
        "steps": progress.step,
        "kept_step": progress.best_step if config.patience and progress.best else progress.step,
        "seconds": round(progress.seconds),
        "machine": machine(team),
        "torch": torch.__version__,
    }
