"""The real desert scene (Level-2A, 100 m), kept for tests: bright sand that is no cloud."""

from pathlib import Path

import numpy as np

from pipeline.errors import SourceError
from pipeline.training.datasets import Sample
from pipeline.training.datasets.labels import SCL_CLOUD, scl_labels
from pipeline.training.datasets.real import read_bands, read_classification

FOLDER = "L2A_29RKH_20200219_crop"


def read_desert(data: Path) -> Sample:
    """Read the scene from `data`/L2A_29RKH_20200219_crop, its 200 m classification brought to 100 m.

    Raises:
        SourceError: it is not there.
    """
    folder = data / FOLDER
    if not folder.is_dir():
        raise SourceError(f"There is no desert scene at {folder}.")
    bands, _ = read_bands(folder)
    reflectance = np.where((bands == 0).any(axis=0), np.nan, bands.astype(np.float32) / 10_000)
    labels = scl_labels(read_classification(folder), SCL_CLOUD)
    return Sample(reflectance.astype(np.float32), labels.repeat(2, 0).repeat(2, 1))
