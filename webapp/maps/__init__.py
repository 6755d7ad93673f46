"""The map page and its desks."""
