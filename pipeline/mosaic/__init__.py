"""Stage 3: the cloud-free composite of a tile, and its mosaic with the neighbours (paper, 2.3)."""

from pipeline.mosaic.blend import blend, corrections
from pipeline.mosaic.compose import compose

__all__ = ["blend", "compose", "corrections"]
