"""The six landcover classes: codes, names, colours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LandcoverClass:
    """One class: its code in rasters, its name, its colour as #rrggbb."""

    code: int
    name: str
    colour: str

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        """The colour as four numbers 0..255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue, 255


NO_DATA = 0
NO_CONFIDENCE = 255
CLASSES = (
    LandcoverClass(1, "water", "#3a7bd5"),
    LandcoverClass(2, "grass", "#a6d96a"),
    LandcoverClass(3, "tree", "#1b7837"),
    LandcoverClass(4, "residential building", "#f39c34"),
    LandcoverClass(5, "industrial or commercial building", "#8c510a"),
    LandcoverClass(6, "barren", "#f3e6c0"),
)
COLORMAP = {NO_DATA: (0, 0, 0, 0)} | {item.code: item.rgba for item in CLASSES}
NAMES = tuple(item.name for item in CLASSES)
