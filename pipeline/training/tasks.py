"""What is trained: the module, its batches and its loss, from a configuration."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.networks.modules import build
from pipeline.networks.normalise import valid_pixels
from pipeline.training.augment import augment
from pipeline.training.config import Config, parse_seeds
from pipeline.training.datasets import IGNORE, Sample, Source
from pipeline.training.datasets.alpine import AlpineCrops, read_scenes
from pipeline.training.datasets.alpine_ground import AlpineGround
from pipeline.training.datasets.eurosat import CoarsePatches, EurosatPatches
from pipeline.training.datasets.folders import open_folders
from pipeline.training.datasets.previews import AlpinePreviews, HazePreviews, SimulatedPreviews
from pipeline.training.datasets.simulated import SOURCES, SimulatedCrops
from pipeline.training.loop import Batch
from pipeline.training.losses import haze_loss, segmentation_loss
from pipeline.training.team import Team

COUNTED = 32
"""Batches whose labels are counted for the weights of the classes."""


def new_module(config: Config) -> nn.Module:
    """Return the untrained module, its first weights drawn from the configuration's seed."""
    torch.manual_seed(config.seed)
    return build(config.card()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def open_sources(
    config: Config, data: Path, cache: Path, folders: Mapping[str, Path] | None = None
) -> dict[str, Source]:
    """Return the data sets that the configuration names.

    Args:
        config: the training run.
        data: folder of the shared data (real scenes, EuroSAT).
        cache: folder of the simulated crops.
        folders: of the data sets that a person has, by name (`folders.OPENERS`).

    Raises:
        UsageError: a data set is unknown, or its folder was not given.
        SourceError: a data set is not there.
    """
    given = open_folders(folders or {}, list(config.sources), config.name, config.crop)
    seeds = parse_seeds(config.seeds)
    crops = partial(SimulatedCrops, cache, seeds, config.name, config.crop)
    openers: dict[str, Callable[[], Source]] = {
        "simulated": crops,
        **{name: partial(crops, kind=kind) for name, kind in SOURCES.items()},
        "alpine": lambda: AlpineCrops(read_scenes(data), config.name, config.crop),
        "alpine-ground": lambda: AlpineGround(read_scenes(data), config.name, config.crop),
        "eurosat": lambda: EurosatPatches(data, config.crop),
        "eurosat-coarse": lambda: CoarsePatches(data, config.crop),
        "simulated-previews": lambda: SimulatedPreviews(cache, seeds, config.crop),
        "alpine-previews": lambda: AlpinePreviews(read_scenes(data), config.crop),
        "simulated-haze": lambda: HazePreviews(SimulatedPreviews(cache, seeds, 0), config.crop),
        "alpine-haze": lambda: HazePreviews(AlpinePreviews(read_scenes(data), 0), config.crop),
    }
    unknown = sorted(set(config.sources) - set(openers) - set(given))
    if unknown:
        raise UsageError(f"There is no data set named {unknown[0]!r}.", "sources")
    return {name: given[name] if name in given else openers[name]() for name in config.sources}


def batches(config: Config, sources: dict[str, Source], team: Team | None = None) -> Callable[[int], Batch]:
    """Return the function from a step to its batch, or to the part of it that a process works on.

    A crop depends on the seed, the step and its place in the batch alone.
    """
    names = sorted(sources)
    shares = np.array([config.sources[name] for name in names])
    indices = list(config.card().band_indices)
    haze = 0.0 if config.kind == "haze" else config.haze
    part = (team or Team()).part(config.batch)

    def batch_at(step: int) -> Batch:
        chosen = np.random.default_rng((config.seed, step)).choice(
            len(names), size=config.batch, p=shares / shares.sum()
        )
        samples = []
        for place in part:
            rng = np.random.default_rng((config.seed, step, place + 1))
            sample = sources[names[chosen[place]]].sample(rng)
            samples.append(augment(sample, rng, haze, config.season, config.toned, config.radiometry))
        return collate(samples, indices, config)

    return batch_at


def class_weights(config: Config, sources: dict[str, Source]) -> tuple[float, ...]:
    """Return the configuration's weights of the classes, or what balances them halfway where it has none.

    Those are 1 / square root of a class's share of the known pixels, their mean 1, each within 0.25..4;
    those of classes without pixels are 1.
    """
    if config.class_weights:
        return config.class_weights
    counts = np.zeros(256, np.int64)
    batch_at = batches(config, sources)
    for step in range(COUNTED):
        counts += np.bincount(batch_at(step)["labels"].numpy().ravel(), minlength=256)
    counts = counts[: len(config.classes)]
    rare = np.ones(len(counts))
    rare[counts > 0] = 1 / np.sqrt(counts[counts > 0] / counts.sum())
    rare[counts > 0] /= rare[counts > 0].mean()
    return tuple(float(value) for value in np.clip(rare, 0.25, 4))


def collate(samples: list[Sample], indices: list[int], config: Config) -> Batch:
    """Return normalised inputs, where they hold data, and labels of a list of crops."""
    inputs, masks = [], []
    for sample in samples:
        chosen = sample.reflectance[indices]
        valid = valid_pixels(chosen, None)
        inputs.append(config.normalisation.apply(chosen, valid))
        masks.append(valid)
    labels = np.stack([sample.labels for sample in samples]).astype(np.int64)
    valid = np.stack(masks)
    labels[~valid] = IGNORE
    return {
        "inputs": torch.from_numpy(np.stack(inputs)).contiguous(memory_format=torch.channels_last),
        "valid": torch.from_numpy(valid[:, None].astype(np.float32)),
        "labels": torch.from_numpy(labels),
    }


def loss_of(config: Config, weights: tuple[float, ...]) -> Callable[[nn.Module, Batch], Tensor]:
    """Return the loss function of the configuration's kind of network.

    Args:
        config: the training run.
        weights: of the classes (`class_weights`).
    """
    if config.kind == "haze":
        return lambda module, batch: haze_loss(module(batch["inputs"], batch["valid"]), batch["labels"])

    def loss(module: nn.Module, batch: Batch) -> Tensor:
        labels = batch["labels"]
        return segmentation_loss(module(batch["inputs"]), labels, torch.tensor(weights, device=labels.device))

    return loss
