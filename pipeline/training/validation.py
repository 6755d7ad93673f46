"""Validation places: crops of simulator seeds and of folder sets that nothing is trained on."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.errors import UsageError
from pipeline.training.config import PLACES, Config
from pipeline.training.datasets import Source
from pipeline.training.datasets.folders import open_folders
from pipeline.training.datasets.places import VALIDATION, Places
from pipeline.training.loop import SCORE, Batch
from pipeline.training.losses import preview_labels
from pipeline.training.metrics import confusion, figures
from pipeline.training.tasks import collate, open_sources
from pipeline.training.team import Team, pooled

CROPS = 64
STREAM = 2**20
"""Keeps the chance that these crops are drawn by apart from that of training."""


def validation_config(config: Config) -> Config:
    """Return the configuration whose data sets are the simulated ones, on the validation seeds.

    Raises:
        UsageError: the configuration has no simulated data set.
    """
    simulated = {name: share for name, share in config.sources.items() if name.startswith("simulated")}
    if not simulated:
        raise UsageError(
            f"The sources of {config.name} have no validation seeds: none is simulated.", "sources"
        )
    return dataclasses.replace(config, sources=simulated, seeds=config.validation)


def open_validation(
    config: Config, sources: Mapping[str, Source], data: Path, cache: Path, folders: Mapping[str, Path]
) -> dict[str, Source]:
    """Return the data sets of the validation places: simulated ones, and folder sets that have such places.

    Args:
        config: the training run; where `validation` is "places", none of them is simulated.
        sources: its data sets.
        data: folder of the shared data.
        cache: folder of the simulated crops.
        folders: of the data sets that a person has, by name.

    Raises:
        UsageError: there is no validation place.
        SourceError: the validation places of a set have no crop with enough labels.
    """
    if not config.validation:
        return {}
    found: dict[str, Source] = {}
    if config.validation != PLACES:
        found |= open_sources(validation_config(config), data, cache)
    places = {name: getattr(source, "places", Places()) for name, source in sources.items()}
    mine = {name: folder for name, folder in folders.items() if places.get(name, Places()).validation}
    found |= open_folders(mine, list(mine), config.name, config.crop, VALIDATION)
    if not found:
        raise UsageError(
            "No data set has a place of the split 'validation': state one, or give --validation SEEDS.",
            "validation",
        )
    return found


def validator(
    config: Config, sources: dict[str, Source], team: Team | None = None
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Return what measures a module on the validation crops; the crops are the same each time.

    Args:
        config: the training run.
        sources: of the validation places.
        team: the processes that share the work.

    Returns:
        A function from a module to "score" (mean IoU; accuracy for haze) and "overall_accuracy".
    """
    team = team or Team()
    batches = [batch for batch in _batches(config, sources) if len(batch["labels"])]
    mine = batches[team.rank :: team.size]

    def validate(module: nn.Module) -> Mapping[str, float]:
        counts = np.zeros((len(config.classes),) * 2, np.int64)
        for batch in mine:
            counts += _counts(config, module, {key: value.to(team.device) for key, value in batch.items()})
        whole = pooled(torch.from_numpy(counts).to(team.device)).cpu().numpy()
        found = figures(whole, config.classes)
        score = found["overall_accuracy"] if config.kind == "haze" else found["mean_iou"]
        return {SCORE: float(score or 0), "overall_accuracy": float(found["overall_accuracy"] or 0)}

    return validate


def _batches(config: Config, sources: dict[str, Source]) -> list[Batch]:
    names, indices = sorted(sources), list(config.card().band_indices)
    samples = []
    for number in range(CROPS):
        rng = np.random.default_rng((config.seed, number, STREAM))
        samples.append(sources[names[number % len(names)]].sample(rng))
    step = config.batch
    return [collate(samples[at : at + step], indices, config) for at in range(0, CROPS, step)]


def _counts(config: Config, module: nn.Module, batch: Batch) -> np.ndarray:
    if config.kind == "haze":
        guess = (module(batch["inputs"], batch["valid"]) > 0).long()
        labels = preview_labels(batch["labels"]).long()
    else:
        guess, labels = module(batch["inputs"]).argmax(dim=1), batch["labels"]
    return confusion(labels.cpu().numpy(), guess.cpu().numpy(), len(config.classes))
