"""The layers that a reviewer looks at: a build's and its revision's, and those of each dated scene."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from pipeline.evidence import CLOUD, NO_DATA, SHADOW, scene_folder
from webapp.campaigns.models import Build, Revision, Scene
from webapp.tileserver.layers import LAYERS, Layer, palette_of

MASK_COLOURS: Mapping[int, str] = {CLOUD: "#ff2d95", SHADOW: "#00b8d9"}
SCENE_LAYERS: Mapping[str, Layer] = {
    "rgb": replace(LAYERS["rgb"], product="image.tif"),
    "nir": replace(LAYERS["nir"], product="image.tif"),
    "landcover": replace(LAYERS["landcover"], product="classes.tif"),
    "mask": Layer(
        "mask",
        _("Cloud mask"),
        "cloud.tif",
        (1,),
        NO_DATA,
        "nearest",
        legend=(
            {"label": _("cloud"), "colour": MASK_COLOURS[CLOUD]},
            {"label": _("cloud shadow"), "colour": MASK_COLOURS[SHADOW]},
        ),
        palette=palette_of(MASK_COLOURS),
    ),
}


@dataclass(frozen=True)
class Looked:
    """A build with the revision that shows it.

    Attributes:
        build: what is looked at.
        revision: the newest that was made from it as its tile's own; None while none is finished.
    """

    build: Build
    revision: Revision | None

    @classmethod
    def at(cls, build: Build, revision: int | None = None) -> "Looked":
        """A build with its newest revision that was finished, or with the one of a key."""
        made = build.own_revisions.filter(status__in=("current", "superseded")).exclude(report={})
        chosen = made.filter(pk=revision) if revision else made.order_by("-number")
        return cls(build, chosen.first())

    def paths(self, layer: Layer) -> list[str]:
        """The files of a layer of the tile; none where it is not made yet."""
        if layer.folder == "revision" and self.revision is None:
            return []
        made = self.build if layer.folder == "build" or self.revision is None else self.revision
        names = filter(None, (layer.product, layer.behind))
        return [path for name in names if (path := made.address(name))]

    def scene_paths(self, scene: Scene, layer: Layer) -> list[str]:
        """The file of a layer of a scene; none where it is gone or was never fetched."""
        path = self.scene_path(scene, layer.product)
        return [path] if path else []

    def scene_path(self, scene: Scene, product: str) -> str | None:
        """A file of a scene; None where it is gone or was never fetched."""
        return self.build.address(str(scene_folder(Path(), scene.scene_id) / product))
