"""Earthquilt's science: from Sentinel-2 scenes to a mosaic and a landcover map."""
