"""Keys with which other people's maps draw our map tiles: scoped, limited and counted."""
