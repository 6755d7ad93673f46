"""Stage 2: the scenes of the list at full resolution, their cloud masks, and what they cover (paper, 2.2)."""

from pipeline.imagery.coverage import Coverage, coverage
from pipeline.imagery.fetch import fetch
from pipeline.imagery.mask import mask
from pipeline.imagery.order import Order, due, orders, shares, traffic

__all__ = ["Coverage", "Order", "coverage", "due", "fetch", "mask", "orders", "shares", "traffic"]
