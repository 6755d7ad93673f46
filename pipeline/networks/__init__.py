"""The networks: `load(name)` and tiled inference. Importing this never imports torch; loading does."""

from pipeline.networks.inference import predict
from pipeline.networks.registry import NAMES, check_pins, load, versions

__all__ = ["NAMES", "check_pins", "load", "predict", "versions"]
