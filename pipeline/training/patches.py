"""The buildings network on whole EuroSAT patches: none, residential or industrial, by its classes' shares."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import SourceError
from pipeline.networks import load
from pipeline.networks.card import read_card
from pipeline.training.album import Album, Shot, encoded
from pipeline.training.datasets.eurosat import LABELS, to_reflectance
from pipeline.training.patch_clusters import TRAIN_PLACE, cluster_of, is_kept
from pipeline.training.tally import Tally

CLASSES = ("none", "residential", "industrial")
PICTURES = (".jpg", ".jpeg", ".png")
FITTED_ON = 150
"""Training patches of each folder that thresholds are fitted on."""

GRID = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True)
class Patch:
    """A patch: its folder (the class), its file's name, and R, G, B as uint8 (rows, cols, 3)."""

    folder: str
    name: str
    picture: NDArray[np.uint8]

    @property
    def label(self) -> int:
        """Its class in `CLASSES`."""
        return LABELS.get(self.folder, 0)


@dataclass(frozen=True)
class Thresholds:
    """From shares of residential (r) and industrial (i) to a class.

    Attributes:
        built: r + i from which a patch is built up.
        industrial: i / (r + i) from which a patch that is built up is industrial.
    """

    built: float
    industrial: float

    def classes(self, shares: NDArray[np.floating]) -> NDArray[np.integer]:
        """Return the classes of patches from their shares (patches, 3)."""
        built = shares[:, 1] + shares[:, 2]
        industrial = shares[:, 2] >= self.industrial * np.maximum(built, 1e-9)
        return np.where(built < self.built, 0, np.where(industrial, 2, 1))


def read_patches(folder: Path) -> Iterator[Patch]:
    """Yield the patches of a folder in EuroSAT's layout, CLASS/CLASS_N.jpg at any depth, or of ZIPs of it.

    Raises:
        SourceError: there are none, or one cannot be read.
    """
    found = False
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    archives = sorted(folder.glob("*.zip")) if not files else []
    try:
        for path in files:
            found = True
            yield Patch(path.parent.name, path.name, _picture(path.read_bytes()))
        for path in archives:
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    if Path(name).suffix.lower() in PICTURES:
                        found = True
                        yield Patch(Path(name).parent.name, Path(name).name, _picture(archive.read(name)))
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"The patches in {folder} cannot be read: {error}.") from error
    if not found:
        raise SourceError(f"There are no patches in {folder}: it should hold CLASS/CLASS_N.jpg.")


def _picture(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def on_patches(
    folder: Path, weights: Path, album: Album | None = None, *, fit: bool = False, every: bool = False
) -> dict[str, Any]:
    """Return figures of "buildings" on whole patches.

    Args:
        folder: in EuroSAT's layout.
        weights: folder of the weights.
        album: takes pictures.
        fit: fit thresholds on the folder's training patches although the card has some.
        every: score every patch, instead of those of the clusters that are kept for tests.

    Returns:
        What `Tally.figures` gives, a cluster of patches being a place; "recall" by class; "folders", the
        share right of each; "thresholds"; "trained_on", whether the network may have been trained on
        patches that are scored.

    Raises:
        SourceError: patches cannot be read, or there are too few to fit thresholds on.
    """
    card = read_card(weights / "buildings.json")
    wanted: list[Patch] = []
    sample: dict[str, list[Patch]] = {}
    for patch in read_patches(folder):
        kept = is_kept(patch.picture)
        if kept or every:
            wanted.append(patch)
        if not kept and len(sample.setdefault(patch.folder, [])) < FITTED_ON:
            sample[patch.folder].append(patch)
    known = card.patch_thresholds
    if known and not fit:
        thresholds = Thresholds(*known)
    else:
        thresholds = _fitted([patch for patches in sample.values() for patch in patches], folder, weights)
    found = _figures(wanted, shares_of(wanted, weights), thresholds, album)
    told = TRAIN_PLACE in card.places.get("train", ())
    return {**found, "trained_on": every or not told}


def shares_of(patches: Sequence[Patch], weights: Path) -> NDArray[np.float64]:
    """Return the mean probabilities of the three classes over each patch (patches, 3)."""
    network = load("buildings", weights)
    shares = [network.probabilities(to_reflectance(patch.picture)).mean(axis=(1, 2)) for patch in patches]
    return np.array(shares, np.float64).reshape(-1, len(CLASSES))


def fit_thresholds(shares: NDArray[np.floating], labels: NDArray[np.integer]) -> Thresholds:
    """Return the thresholds, of a grid, with the best sum of overall accuracy and mean recall.

    Args:
        shares: (patches, 3).
        labels: (patches,).
    """

    def worth(thresholds: Thresholds) -> float:
        right = thresholds.classes(shares) == labels
        recalls = [right[labels == label].mean() for label in np.unique(labels)]
        return float(right.mean() + np.mean(recalls))

    tried = [Thresholds(float(built), float(industrial)) for built in GRID for industrial in GRID]
    return max(tried, key=worth)


def _fitted(patches: Sequence[Patch], folder: Path, weights: Path) -> Thresholds:
    labels = np.array([patch.label for patch in patches], int)
    if len(np.unique(labels)) < len(CLASSES):
        raise SourceError(
            f"{folder} lacks training patches of all three classes to fit thresholds on; the card has none."
        )
    return fit_thresholds(shares_of(patches, weights), labels)


def _figures(
    patches: Sequence[Patch], shares: NDArray[np.floating], thresholds: Thresholds, album: Album | None
) -> dict[str, Any]:
    tally = Tally(CLASSES)
    folders: dict[str, list[bool]] = {}
    guesses = thresholds.classes(shares)
    for patch, guess, share in zip(patches, guesses, shares, strict=True):
        chances = np.eye(len(CLASSES))[:, guess][:, None]
        tally.add(f"cluster {cluster_of(patch.picture)}", np.array([patch.label]), chances)
        folders.setdefault(patch.folder, []).append(bool(guess == patch.label))
        if album is not None:
            words = ", ".join(f"{name} {part:.2f}" for name, part in zip(CLASSES, share, strict=True))
            title = f"{patch.name}: taken for {CLASSES[guess]}"
            picture = (patch.folder, encoded(patch.picture))
            album.shots.append(Shot(float(share[patch.label]), title, words, (picture,)))
    found = tally.figures()
    for meaningless in ("ece", "reliability"):
        found.pop(meaningless)
    return {
        "patches": found.pop("pixels"),
        **found,
        "recall": {name: of["recall"] for name, of in found["classes"].items()},
        "folders": {name: round(float(np.mean(right)), 4) for name, right in sorted(folders.items())},
        "thresholds": {"built": thresholds.built, "industrial": thresholds.industrial},
    }
