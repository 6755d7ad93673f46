"""Orders and their deliveries."""

from webapp.orders.models.delivery import Delivery
from webapp.orders.models.order import Order

__all__ = ["Delivery", "Order"]
