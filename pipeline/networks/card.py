"""Model cards: what a weights file is, how it is to be fed, and what it was measured to do."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.networks.normalise import Normalisation
from pipeline.raster import BANDS

BACK_ENDS = ("openvino", "torch")
EARLIER = {"batch": 1, "back_end": "torch"}
"""What a card means that was written before it had such fields."""


@dataclass(frozen=True)
class Card:
    """The card NAME.json beside the weights NAME.safetensors.

    Attributes:
        name: the network's name.
        version: version of the weights, raised with each training that ships.
        kind: "unet" or "haze".
        bands: names of the bands, in the order in which the network reads them.
        classes: names of the classes, in the order of the output.
        width: factor on the paper's numbers of channels.
        normalisation: how reflectance becomes the input.
        window: side of an inference window in pixels.
        margin: pixels by which the raster is reflected beyond its edges.
        reach: pixels read around a window, inside the raster so grown; 0 = as many as the margin.
        batch: windows that the network works on at once.
        back_end: what runs the network on a processor, one of `BACK_ENDS`; on a GPU torch does.
        sha256: hash of the weights file.
        temperature: what scores are divided by before they become probabilities.
        trained_on: sentences on the training data.
        places: names of places by split: "train", "validation", "test".
        made_from: name, version and hash of the weights that training started with; empty = none.
        training: how the weights were made: "command", "steps", "kept_step", "seconds", "machine", "torch";
            or "command", "steps" and "lost", what is not known of the run, in words.
        patch_thresholds: of "buildings": shares of built and of industrial ground from which a whole patch
            counts as such; empty = none were fitted.
        weaknesses: sentences on what the network is not good at.
        picture: the command that drew NAME.png, worst, middling and best cases; empty = there is none.
        figures: what was measured, by name.
    """

    name: str
    version: str
    kind: str
    bands: tuple[str, ...]
    classes: tuple[str, ...]
    width: float
    normalisation: Normalisation
    window: int = 1024
    margin: int = 64
    reach: int = 0
    batch: int = 1
    back_end: str = "openvino"
    sha256: str = ""
    temperature: float = 1.0
    trained_on: tuple[str, ...] = ()
    places: dict[str, list[str]] = field(default_factory=dict)
    made_from: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    patch_thresholds: tuple[float, ...] = ()
    weaknesses: tuple[str, ...] = ()
    picture: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def band_indices(self) -> tuple[int, ...]:
        """Where the bands lie in an array ordered R, G, B, NIR."""
        return tuple(BANDS.index(band) for band in self.bands)

    def write(self, path: Path) -> None:
        """Write the card as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        ModelError: the file is missing or lacks a field.
    """
    try:
        values = EARLIER | json.loads(path.read_text(encoding="utf-8"))
        values["normalisation"] = Normalisation(**values["normalisation"])
        for name in ("bands", "classes", "trained_on"):
            values[name] = tuple(values[name])
        for name in ("patch_thresholds", "weaknesses"):
            values[name] = tuple(values.get(name, ()))
        return Card(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The model card {path} cannot be read: {error}.") from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
