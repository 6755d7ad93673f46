"""Map tiles, TileJSON and point queries over the mosaics of a campaign's tiles."""
