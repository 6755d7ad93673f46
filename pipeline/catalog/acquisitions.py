"""Several products of one acquisition count once: newest processing wins, split granules are merged."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.catalog.radiometry import baseline_number
from pipeline.catalog.scene import Scene

SAME_STRIP = timedelta(seconds=1)


@dataclass(frozen=True)
class Product:
    """A scene as one product gives it, with what tells products of one acquisition apart.

    Attributes:
        scene: the scene.
        strip_start: when the datastrip began; granules of a split datatake differ in it, reprocessings do
            not.
        created: when the product was made.
    """

    scene: Scene
    strip_start: datetime
    created: datetime


def acquisitions(products: Iterable[Product]) -> list[Scene]:
    """One scene for each acquisition, sorted by (datetime, id).

    Products of one tile and datatake are one acquisition. Of products of the same strip the newest baseline
    wins, then the newest made; those left over are the granules of a split datatake and become the parts of
    one scene.
    """
    groups: dict[tuple[str, str], list[Product]] = defaultdict(list)
    for product in products:
        groups[product.scene.tile, product.scene.datatake].append(product)
    scenes = [_merged([_newest(strip).scene for strip in _strips(group)]) for group in groups.values()]
    return sorted(scenes, key=lambda scene: (scene.datetime, scene.id))


def _strips(products: list[Product]) -> list[list[Product]]:
    ordered = sorted(products, key=lambda product: (product.strip_start, product.scene.id))
    strips = [[ordered[0]]]
    for product in ordered[1:]:
        if product.strip_start - strips[-1][0].strip_start <= SAME_STRIP:
            strips[-1].append(product)
        else:
            strips.append([product])
    return strips


def _newest(strip: list[Product]) -> Product:
    return max(
        strip,
        key=lambda product: (*baseline_number(product.scene.baseline), product.created, product.scene.id),
    )


def _merged(parts: list[Scene]) -> Scene:
    """One scene of the granules of a datatake, the newest baseline first, for the first with data wins.

    Its cloud cover is their mean, its time the earliest, all else the first one's.
    """
    if len(parts) == 1:
        return parts[0]
    by_id = sorted(parts, key=lambda scene: scene.id)
    ordered = tuple(sorted(by_id, key=lambda scene: baseline_number(scene.baseline), reverse=True))
    return replace(
        ordered[0],
        datetime=min(scene.datetime for scene in ordered),
        cloud_cover=sum(scene.cloud_cover for scene in ordered) / len(ordered),
        parts=ordered,
    )
