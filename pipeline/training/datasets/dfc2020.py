"""DFC2020: the data fusion contest's land cover of 10 m on Level-1C patches of seven places."""

from functools import partial
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.raster import opened
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import lookup, network_table
from pipeline.training.datasets.patches import Patch, PatchSource, read_codes, read_reflectance
from pipeline.training.datasets.places import TRAIN

LICENCE = (
    "DFC2020: pictures as in SEN12MS, CC BY 4.0, Schmitt et al. 2019; labels under the terms of the 2020 "
    "IEEE GRSS Data Fusion Contest on IEEE DataPort; contains modified Copernicus Sentinel data."
)
TABLE: dict[int, tuple[int, ...]] = {
    1: (3,),  # forest
    2: (2, 3),  # shrubland
    3: (2, 3),  # savanna
    4: (2,),  # grassland
    5: (1, 2),  # wetlands
    6: (2,),  # croplands
    7: (4, 5),  # urban and built-up
    8: (),  # snow and ice
    9: (6,),  # barren
    10: (1,),  # water
}
"""Code of `dfc` -> the landcover classes that it may be; snow is none of the six."""

BANDS = (13,)
PARTS = "ROIs0000_*/s2_*/*_s2_*.tif"


def dfc2020(folder: Path, name: str, crop: int, split: str = TRAIN) -> PatchSource:
    """Open the set.

    Args:
        folder: with `ROIs0000_validation` and `ROIs0000_test`, each with `s2_*` and `dfc_*`.
        name: network: "water", "vegetation" or "buildings" (of which built ground is left out: it is not
            told of which kind).
        crop: side of a crop in pixels.
        split: of the places: one for each UTM zone, of which each of the seven has its own.

    Raises:
        UsageError: the network does not tell landcover.
        SourceError: there are no patches.
    """
    told = network_table(name, TABLE)
    patches = [
        Patch(_place(path), partial(_read, path, labels, told))
        for path in sorted(folder.glob(PARTS))
        if (labels := _labels_of(path)).is_file()
    ]
    if not patches:
        raise SourceError(f"There is no ROIs0000_validation or ROIs0000_test with s2 and dfc under {folder}.")
    return PatchSource("DFC2020", LICENCE, patches, crop, split)


def _labels_of(path: Path) -> Path:
    """ROIs0000_test/s2_0/ROIs0000_test_s2_0_p7.tif -> ROIs0000_test/dfc_0/ROIs0000_test_dfc_0_p7.tif."""
    folder = path.parent.name.replace("s2_", "dfc_", 1)
    return path.parents[1] / folder / path.name.replace("_s2_", "_dfc_", 1)


def _place(path: Path) -> str:
    with opened(path) as dataset:
        code = dataset.crs.to_epsg() if dataset.crs else None
    return f"DFC2020 EPSG:{code}" if code else f"DFC2020 {path.parents[1].name}"


def _read(path: Path, labels: Path, told: dict[int, int]) -> Sample:
    return Sample(read_reflectance(path, BANDS), lookup(read_codes(labels), told, IGNORE))
