"""Stage 3: the cloud-free composite of a tile, and its mosaic with the neighbours (paper, 2.3)."""

from pipeline.mosaic.blend import blend, corrections
from pipeline.mosaic.compose import compose
from pipeline.mosaic.fill import FILL, MOST_OLDER, PROVENANCE, fill

__all__ = ["FILL", "MOST_OLDER", "PROVENANCE", "blend", "compose", "corrections", "fill"]
