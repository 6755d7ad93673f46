"""What stage 1 sees in a preview: its clear pixels and its haze (paper, 2.1 b and c)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from pipeline.atmosphere import without_rayleigh
from pipeline.bear import AT_ONCE, Bear
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError, StorageError
from pipeline.networks import SHIPPED, Chosen
from pipeline.storage import whole_file

if TYPE_CHECKING:
    from pipeline.catalog.http import Http
    from pipeline.networks.network import Network

CLOUD_THRESHOLD = 0.5
HAZE_THRESHOLD = 0.5
PREVIEW_SHAPE = (343, 343)
PREVIEW_METRES = 320
PREVIEWS = "previews.npz"
BRIGHTEST = 0.3558


@dataclass(frozen=True)
class Look:
    """A candidate with what its preview shows.

    Attributes:
        scene: the candidate.
        clear: bool (343, 343), neither cloud nor empty; None where the preview could not be read.
        haze_score: probability of haze, 0..1; None likewise.
        problem: why the preview could not be read.
        seen: bool (343, 343), not empty; None where not known.
        picture: uint8 (172, 172, 3), the preview at half its size for people; None likewise.
    """

    scene: Scene
    clear: np.ndarray | None = None
    haze_score: float | None = None
    problem: str | None = None
    seen: np.ndarray | None = None
    picture: np.ndarray | None = None

    @property
    def hazy(self) -> bool:
        """Whether the preview counts as hazy."""
        return self.haze_score is not None and self.haze_score >= HAZE_THRESHOLD

    def sure(self, margin: float) -> np.ndarray:
        """Clear ground farther than `margin` metres from what the preview shows as cloud, bool (343, 343)."""
        if self.clear is None:
            return np.zeros(PREVIEW_SHAPE, bool)
        cloud = ~self.clear if self.seen is None else self.seen & ~self.clear
        if not cloud.any():
            return self.clear
        return self.clear & (PREVIEW_METRES * distance_transform_edt(~cloud) > margin)


def look(
    scenes: Sequence[Scene],
    read: Callable[[Scene], np.ndarray] | None = None,
    http: "Http | None" = None,
    networks: Chosen = SHIPPED,
    bear: Bear = AT_ONCE,
) -> list[Look]:
    """Look at the previews of scenes with the networks `preview-cloud` and `haze`.

    Args:
        scenes: the candidates.
        read: gives the preview of a scene, float32 (3, 343, 343) reflectance, NaN = no data; the catalog's
            reader where None.
        http: the session that the catalog's reader is to use.
        networks: of the campaign.
        bear: which previews that cannot be read are told in place of raised.

    Raises:
        TransientSourceError: a preview cannot be read, and that is not to be borne yet.
    """
    if read is None:
        from pipeline.catalog import read_preview

        read = partial(read_preview, http=http)
    cloud, haze = networks.load("preview-cloud"), networks.load("haze")
    return [look_at(scene, read, cloud, haze, bear) for scene in scenes]


def look_at(
    scene: Scene,
    read: Callable[[Scene], np.ndarray],
    cloud: "Network",
    haze: "Network",
    bear: Bear = AT_ONCE,
) -> Look:
    """Look at one preview; one that cannot be read is told, not raised, where that is to be borne."""
    try:
        preview = read(scene)
    except SourceError as error:
        bear.or_later(error)
        return Look(scene, problem=str(error))
    seen = np.isfinite(preview).all(axis=0)
    if not seen.any():
        return Look(scene, np.zeros(preview.shape[1:], bool), 0.0, seen=seen)
    clear = cloud.probabilities(preview)[cloud.classes.index("clear")] > 1 - CLOUD_THRESHOLD
    score = haze.score(_as_surface(preview, scene))
    return Look(scene, clear & seen, score, seen=seen, picture=_small(preview))


def _small(preview: np.ndarray) -> np.ndarray:
    """A preview as people see it, every other pixel: dark tones lifted, white at the brightest."""
    bright = np.nan_to_num(preview[:, ::2, ::2]) / BRIGHTEST
    return (255 * np.sqrt(np.clip(bright, 0, 1))).round().astype(np.uint8).transpose(1, 2, 0)


def _as_surface(preview: np.ndarray, scene: Scene) -> np.ndarray:
    """The preview as the haze network knows it: air itself is no haze, and Level-1C shows it."""
    return without_rayleigh(preview, scene.sun_elevation) if scene.level == "L1C" else preview


def write_masks(folder: Path, looks: Sequence[Look]) -> None:
    """Keep masks, one bit a pixel, and small pictures beside the scene list."""
    kept = [one for one in looks if one.clear is not None]
    shape = kept[0].clear.shape if kept and kept[0].clear is not None else PREVIEW_SHAPE
    half = tuple(-(-side // 2) for side in shape)
    seen = [np.ones(shape, bool) if one.seen is None else one.seen for one in kept]
    drawn = [np.zeros((*half, 3), np.uint8) if one.picture is None else one.picture for one in kept]
    with whole_file(Path(folder) / PREVIEWS) as beside:
        np.savez_compressed(
            beside,
            ids=np.array([one.scene.id for one in kept], dtype=np.str_),
            clear=_packed([one.clear for one in kept if one.clear is not None]),
            shape=np.array(shape),
            seen=_packed(seen),
            pictures=np.stack(drawn) if drawn else np.zeros((0, *half, 3), np.uint8),
        )


def _packed(masks: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([np.packbits(one) for one in masks]) if masks else np.zeros((0, 0), np.uint8)


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """The clear masks by scene id, bool (343, 343).

    Raises:
        StorageError: they were never written, or the file is broken.
    """
    return {name: clear for name, (clear, _, _) in _stored(folder).items()}


def remembered(folder: Path, scenes: Sequence[Scene], scores: Mapping[str, float | None]) -> list[Look]:
    """Looks from what `write_masks` kept, without the previews and the networks.

    Args:
        folder: of the build.
        scenes: the candidates to give looks of.
        scores: the haze score by scene id.

    Raises:
        StorageError: nothing was kept, or the file is broken.
    """
    kept = _stored(folder)
    return [
        Look(scene, kept[scene.id][0], scores.get(scene.id), None, *kept[scene.id][1:])
        if scene.id in kept
        else Look(scene, problem="its preview could not be read before.")
        for scene in scenes
    ]


def _stored(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Clear mask, seen mask and picture by scene id."""
    path = Path(folder) / PREVIEWS
    try:
        with np.load(path, allow_pickle=False) as content:
            ids, shape = content["ids"], tuple(content["shape"])
            clear, seen, drawn = content["clear"], content["seen"], content["pictures"]
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{path} cannot be read ({error}): make the scene list again.") from error
    masks = [_unpacked(bits, shape) for bits in (clear, seen)]
    return {str(one): (*found,) for one, *found in zip(ids, *masks, drawn, strict=True)}


def _unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    size = int(np.prod(shape))
    return [np.unpackbits(row, count=size).astype(bool).reshape(shape) for row in bits]
