"""Data sets that a person has in a folder of their own, by the name that a configuration knows them under."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import SourceError, UsageError
from pipeline.training.datasets import Source
from pipeline.training.datasets.cloudsen12 import cloudsen12
from pipeline.training.datasets.corrections import corrections
from pipeline.training.datasets.dfc2020 import dfc2020
from pipeline.training.datasets.dynamic_world import dynamic_world
from pipeline.training.datasets.eurosat import EurosatPatches, eurosat_all_bands, has_all_bands
from pipeline.training.datasets.labelled import labelled
from pipeline.training.datasets.openearthmap import openearthmap
from pipeline.training.datasets.places import TRAIN

Opener = Callable[[Path, str, int, str], Source]
EUROSAT = "eurosat"


def eurosat(folder: Path, name: str, crop: int, split: str = TRAIN) -> Source:
    """Open EuroSAT with 13 bands where the folder has them, else its RGB pictures.

    Raises:
        UsageError: the network reads more than R, G, B and there are no more, or it does not tell landcover.
        SourceError: there are no patches, or the split is one that RGB pictures, which tell no places, lack.
    """
    if has_all_bands(folder):
        return eurosat_all_bands(folder, name, crop, split)
    if name != "buildings":
        raise UsageError(f"EuroSAT's RGB pictures are for 'buildings', and not for {name!r}.", "sources")
    if split != TRAIN:
        raise SourceError(
            f"EuroSAT's RGB pictures tell no places, so that there are none of the split {split!r}."
        )
    return EurosatPatches(folder, crop)


OPENERS: dict[str, Opener] = {
    "labelled": labelled,
    "corrections": corrections,
    "cloudsen12": cloudsen12,
    "dfc2020": dfc2020,
    "dynamic-world": dynamic_world,
    EUROSAT: eurosat,
    "openearthmap": openearthmap,
}
"""Name in `sources` of a configuration -> what opens it: folder, network, crop and split to a source."""


def parse_data(values: Sequence[str], default: Path) -> tuple[Path, dict[str, Path]]:
    """Return the folder of the shared data, and the folders of data sets by name.

    Args:
        values: "DIR" for the shared data, "NAME=DIR" for one of `OPENERS`.
        default: folder of the shared data where none is given.

    Raises:
        UsageError: a folder is not there, or is given twice.
    """
    shared, folders = default, {}
    for value in values:
        name, given, path = value.partition("=")
        if not given or name not in OPENERS:
            shared = Path(value)
            continue
        if name in folders:
            raise UsageError(f"The data set {name!r} is given twice: lay its folders under one.", "data")
        if not Path(path).is_dir():
            raise UsageError(f"There is no folder {path} for the data set {name!r}.", "data")
        folders[name] = Path(path)
    return shared, folders


def shares_with(sources: Mapping[str, float], folders: Mapping[str, Path]) -> dict[str, float]:
    """Return the shares of a batch; sets that are given but not named in it take half of it together.

    Args:
        sources: shares by name, of a configuration.
        folders: of data sets by name.
    """
    added = [name for name in folders if name not in sources]
    return {**sources, **{name: sum(sources.values()) / len(added) for name in added}}


def open_folders(
    folders: Mapping[str, Path], sources: Sequence[str], name: str, crop: int, split: str = TRAIN
) -> dict[str, Source]:
    """Open the data sets of a configuration that a person has given a folder for.

    Args:
        folders: by name of the data set.
        sources: data sets of the configuration.
        name: network that is trained.
        crop: side of a crop in pixels.
        split: "train", "validation" or "test".

    Raises:
        UsageError: a set of the configuration has no folder, or cannot serve the network.
        SourceError: a set cannot be read.
    """
    needed = [source for source in sources if source in OPENERS and source not in (*folders, EUROSAT)]
    if needed:
        raise UsageError(f"Say where the data set {needed[0]!r} lies: --data {needed[0]}=DIR.", "data")
    return {
        source: OPENERS[source](folder, name, crop, split)
        for source, folder in folders.items()
        if source in sources
    }
