"""What customers are told by mail and webhook when an order or a delivery ends."""
