"""In which order the scenes of a build are fetched, and which of them come by blocks (paper, 2.2)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.catalog import by_blocks
from pipeline.catalog.scene import Scene
from pipeline.evidence import scene_folder
from pipeline.imagery.fetch import FETCHED, fetched, is_fetched
from pipeline.received import received
from pipeline.storage import read_json


@dataclass(frozen=True)
class Order:
    """A scene to fetch: whole, or where the scenes before it leave ground open.

    Attributes:
        scene: the scene.
        before: those before it in the composite, where it comes by blocks; None where it comes whole.
        surely: whether ground that those before it show in doubt counts as open.
    """

    scene: Scene
    before: tuple[Scene, ...] | None
    surely: bool = False

    def filled(self, folder: Path) -> bool:
        """Whether the scene is there as it is needed."""
        after = None if self.before is None else [other.id for other in self.before]
        return is_fetched(self.scene, folder, after)

    def ready(self, folder: Path) -> bool:
        """Whether the masks that tell where the scene is needed are there."""
        return all((scene_folder(folder, other.id) / "cloud.tif").exists() for other in self.before or ())


def orders(
    scenes: Sequence[Scene], whole: Collection[str], covering: Collection[str], surely: Collection[str] = ()
) -> list[Order]:
    """One order for each scene.

    Args:
        scenes: those of the list by rank, then the others of the landcover series.
        whole: ids of those that come whole in any case.
        covering: ids of those that fill the composite.
        surely: ids of those that are to clear doubt.
    """
    found: list[Order] = []
    for scene in scenes:
        before = tuple(order.scene for order in found if order.scene.id in covering)
        parts = scene.id not in whole and by_blocks(scene)
        found.append(Order(scene, before if parts else None, scene.id in surely))
    return found


def due(asked: Sequence[Order], folder: Path) -> Iterator[Order]:
    """The orders that can be filled now: up to the first that waits for the masks of those before it."""
    for order in asked:
        if not order.ready(folder):
            return
        yield order


def traffic(folder: Path) -> dict[str, Any]:
    """What fetching a build's scenes took.

    Returns:
        "bytes_fetched" over the network and kept, "bytes_of_scenes" that the remote files of these scenes
        weigh, "bytes_received" for scenes and previews in all, with what came again or was thrown away,
        "partial_scenes", the ids of those that did not come whole, and "shares_fetched" of their blocks.
    """
    scenes = Path(folder) / "scenes"
    places = sorted(path.parent for path in scenes.glob(f"*/{FETCHED}"))
    known = {place.name: read_json(place / FETCHED) for place in places}
    partial = {name: item["share"] for name, item in known.items() if item["partial"]}
    return {
        "bytes_fetched": sum(item["bytes_fetched"] for item in known.values()),
        "bytes_of_scenes": sum(item["bytes_of_scene"] for item in known.values()),
        "bytes_received": received(folder) + sum(received(place) for place in scenes.glob("*")),
        "partial_scenes": list(partial),
        "shares_fetched": partial,
    }


def shares(asked: Sequence[Order], folder: Path) -> dict[str, float]:
    """The share of its blocks that came, by id of each scene that is there, 0..1."""
    return {order.scene.id: fetched(order.scene, folder)["share"] for order in asked if order.filled(folder)}
