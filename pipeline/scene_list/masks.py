"""What stage 1 sees in a preview: its clear pixels and its haze (paper, 2.1 b and c)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.atmosphere import without_rayleigh
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError, StorageError
from pipeline.storage import whole_file

if TYPE_CHECKING:
    from pipeline.networks.network import Network

CLOUD_THRESHOLD = 0.5
HAZE_THRESHOLD = 0.5
PREVIEW_SHAPE = (343, 343)
PREVIEWS = "previews.npz"


@dataclass(frozen=True)
class Look:
    """A candidate with what its preview shows.

    Attributes:
        scene: the candidate.
        clear: bool (343, 343), neither cloud nor empty; None where the preview could not be read.
        haze_score: probability of haze, 0..1; None likewise.
        problem: why the preview could not be read.
    """

    scene: Scene
    clear: np.ndarray | None = None
    haze_score: float | None = None
    problem: str | None = None

    @property
    def hazy(self) -> bool:
        """Whether the preview counts as hazy."""
        return self.haze_score is not None and self.haze_score >= HAZE_THRESHOLD


def look(scenes: Sequence[Scene], read: Callable[[Scene], np.ndarray] | None = None) -> list[Look]:
    """Look at the previews of scenes with the networks `preview-cloud` and `haze`.

    Args:
        scenes: the candidates.
        read: gives the preview of a scene, float32 (3, 343, 343) reflectance, NaN = no data; the catalog's
            reader where None.
    """
    from pipeline import networks

    if read is None:
        from pipeline.catalog import read_preview

        read = read_preview
    cloud, haze = networks.load("preview-cloud"), networks.load("haze")
    return [look_at(scene, read, cloud, haze) for scene in scenes]


def look_at(scene: Scene, read: Callable[[Scene], np.ndarray], cloud: "Network", haze: "Network") -> Look:
    """Look at one preview; one that cannot be read is told, not raised."""
    try:
        preview = read(scene)
    except SourceError as error:
        return Look(scene, problem=str(error))
    seen = np.isfinite(preview).all(axis=0)
    if not seen.any():
        return Look(scene, np.zeros(preview.shape[1:], bool), 0.0)
    clear = cloud.probabilities(preview)[cloud.classes.index("clear")] > 1 - CLOUD_THRESHOLD
    return Look(scene, clear & seen, haze.score(_as_surface(preview, scene)))


def _as_surface(preview: np.ndarray, scene: Scene) -> np.ndarray:
    """The preview as the haze network knows it: air itself is no haze, and Level-1C shows it."""
    return without_rayleigh(preview, scene.sun_elevation) if scene.level == "L1C" else preview


def write_masks(folder: Path, looks: Sequence[Look]) -> None:
    """Keep the clear masks beside the scene list, one bit a pixel."""
    kept = [one for one in looks if one.clear is not None]
    ids = np.array([one.scene.id for one in kept], dtype=np.str_)
    packed = [np.packbits(one.clear) for one in kept if one.clear is not None]
    bits = np.stack(packed) if packed else np.zeros((0, 0), np.uint8)
    shape = kept[0].clear.shape if kept and kept[0].clear is not None else PREVIEW_SHAPE
    with whole_file(Path(folder) / PREVIEWS) as beside:
        np.savez_compressed(beside, ids=ids, clear=bits, shape=np.array(shape))


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """The clear masks by scene id, bool (343, 343).

    Raises:
        StorageError: they were never written, or the file is broken.
    """
    path = Path(folder) / PREVIEWS
    try:
        with np.load(path, allow_pickle=False) as content:
            ids, bits, shape = content["ids"], content["clear"], tuple(content["shape"])
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{path} cannot be read ({error}): make the scene list again.") from error
    size = int(np.prod(shape))
    return {
        str(one): np.unpackbits(row, count=size).astype(bool).reshape(shape)
        for one, row in zip(ids, bits, strict=True)
    }
