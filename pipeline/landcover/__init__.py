"""Stage 4: the six-class landcover of each date, of all dates, and with the neighbours (paper, 2.4)."""

from pipeline.landcover.blend import blend
from pipeline.landcover.fuse import fuse
from pipeline.landcover.scenes import class_probabilities, classify_scene

__all__ = ["blend", "class_probabilities", "classify_scene", "fuse"]
