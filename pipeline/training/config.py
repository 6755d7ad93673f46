"""What one training run does: `training/configs/NAME.toml`."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.networks.card import Card
from pipeline.networks.normalise import Normalisation

CONFIGS = Path(__file__).parent / "configs"
SENTENCES = ("trained_on", "weaknesses")
PLACES = "places"
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Config:
    """One training run; every field can be set in the TOML file.

    Attributes:
        name: network to train.
        version: version that the weights will carry.
        kind: "unet" or "haze".
        bands: bands read, in order.
        classes: classes, in the order of the output.
        width: factor on the paper's numbers of channels.
        normalisation: how reflectance becomes the input.
        sources: share of each data set in a batch, by name.
        class_weights: weight of each class in the cross entropy; empty = by how rare a class is in the data.
        lean: added to the score of each class once the network is trained, in the logarithm of odds: how much
            worse a miss is than a false alarm. Empty = nothing.
        steps: optimiser steps.
        batch: crops per step.
        crop: side of a crop in pixels.
        learning_rate: its highest value.
        weight_decay: of AdamW.
        haze: most opacity of the synthetic haze over blue, 0..1.
        season: share of the crops whose vegetation is made greener or drier.
        toned: share of the crops that go through 8 bits of a tone curve.
        radiometry: factor on the spread of the gains and offsets of bands.
        precision: "float32", "bfloat16", "float16", or "auto": the best that the device has.
        validation: simulator seeds of the validation places, beside which those of folder sets are looked at;
            "places" = these alone; empty = no validation.
        validate_every: steps between validations.
        patience: validations without a better score after which training ends; 0 = never.
        seed: everything random follows from this and the step's number.
        seeds: of the simulated crops, as "1-150".
        reach: pixels that inference reads around a window; 0 = the margin.
        trained_on: sentences for the card.
        weaknesses: sentences for the card, on what such networks are not good at.
        keep: share of the trained weights in their mean with those started from (`finetune.mixed`).
        made_from: the weights that training starts with (name, version and hash); empty = drawn by chance.
    """

    name: str
    version: str
    kind: str
    bands: tuple[str, ...]
    classes: tuple[str, ...]
    width: float
    normalisation: Normalisation
    sources: dict[str, float]
    class_weights: tuple[float, ...] = ()
    lean: tuple[float, ...] = ()
    steps: int = 3000
    batch: int = 8
    crop: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    haze: float = 0.25
    season: float = 0.0
    toned: float = 0.0
    radiometry: float = 1.0
    precision: str = "auto"
    validation: str = ""
    validate_every: int = 500
    patience: int = 0
    seed: int = 1
    seeds: str = "1-150"
    reach: int = 0
    trained_on: tuple[str, ...] = field(default=())
    weaknesses: tuple[str, ...] = field(default=())
    keep: float = 1.0
    made_from: str = ""

    def __post_init__(self) -> None:
        """Refuse what no run can have.

        Raises:
            UsageError: a value is out of range.
        """
        if self.precision not in PRECISIONS:
            raise UsageError(
                f"The precision {self.precision!r} is none of {', '.join(PRECISIONS)}.", "precision"
            )
        if self.class_weights and len(self.class_weights) != len(self.classes):
            raise UsageError(
                f"{len(self.class_weights)} class weights for {len(self.classes)} classes.", "class_weights"
            )
        if self.patience and not self.validation:
            raise UsageError("`patience` needs validation places: set `validation` to seeds.", "patience")
        if not 0 < self.keep <= 1:
            raise UsageError("`keep` is a share above 0 and up to 1.", "keep")
        if min(self.steps, self.batch, self.crop, self.validate_every) < 1:
            raise UsageError("Steps, batch, crop and validate_every are at least 1.", "steps")

    def card(self) -> Card:
        """Return the card of the network, without hash and figures."""
        same = {item.name for item in fields(Card)} & {item.name for item in fields(self)}
        return Card(**{key: getattr(self, key) for key in same})

    def fingerprint(self) -> str:
        """Return what tells this training from any other: a hash of all but sentences and `keep`."""
        values = {key: value for key, value in asdict(self).items() if key not in (*SENTENCES, "keep")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def read_config(path: Path) -> Config:
    """Read a configuration.

    Raises:
        UsageError: the file cannot be read, a key is unknown, or one is missing.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.", "config") from error
    unknown = sorted(set(values) - {item.name for item in fields(Config)})
    if unknown:
        raise UsageError(f"The configuration {path} has the unknown key {unknown[0]!r}.", "config")
    try:
        values["normalisation"] = Normalisation(**values["normalisation"])
        lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return Config(**{**values, **lists})
    except (KeyError, TypeError) as error:
        raise UsageError(f"The configuration {path} is incomplete: {error}.", "config") from error


def default_config(name: str) -> Path:
    """Return the path of the configuration that ships for a network.

    Raises:
        UsageError: there is none of that name.
    """
    path = CONFIGS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in CONFIGS.glob("*.toml")))
        raise UsageError(f"There is no network named {name!r} to train; there are {known}.", "name")
    return path


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of "9000-9004" or "3,5,8", sorted.

    Raises:
        UsageError: the text is neither.
    """
    seeds: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds.update(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise UsageError(f"Seeds are numbers or ranges such as 9000-9004, not {text!r}.", "seeds") from error
    if not seeds:
        raise UsageError(f"The seeds {text!r} are an empty range.", "seeds")
    return sorted(seeds)
