"""The networks: which weights a campaign chose, their loading, and tiled inference.

Importing this never imports torch; loading does.
"""

from pipeline.networks.chosen import SHIPPED, TOGETHER, Chosen
from pipeline.networks.inference import predict, predict_together
from pipeline.networks.registry import NAMES, load
from pipeline.networks.store import Store

__all__ = ["NAMES", "SHIPPED", "TOGETHER", "Chosen", "Store", "load", "predict", "predict_together"]
