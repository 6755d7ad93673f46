"""Deliveries: what a customer ordered, clipped to the area, in the format and projection asked for."""
