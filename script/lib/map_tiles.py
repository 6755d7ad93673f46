"""Whether a map tile of each layer answers with a real picture.

Runs in `.venv` (Pillow decodes): `python -m script.lib.map_tiles ADDRESS CAMPAIGN`.
"""

import io
import json
import math
import sys
import urllib.error
import urllib.request

from PIL import Image

LAYERS = ("rgb", "nir", "landcover", "confidence", "provenance")
ZOOMS = (9, 8, 10)
LEAST_OPAQUE = 0.05
LEAST_COLOURS = {"rgb": 64, "nir": 32, "landcover": 3, "confidence": 8, "provenance": 2}


def map_tile_at(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Column and row of the map tile that shows a place."""
    size = 2**zoom
    mercator = math.asinh(math.tan(math.radians(latitude))) / math.pi
    return int((longitude + 180) / 360 * size), int((1 - mercator) / 2 * size)


def candidates(bounds: list[float]) -> list[tuple[int, int, int]]:
    """Map tiles about the middle of the bounds, those first that show most."""
    longitude, latitude = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    middles = [(zoom, *map_tile_at(longitude, latitude, zoom)) for zoom in ZOOMS]
    return [(z, x + right, y + down) for right in (0, -1) for down in (0, -1) for z, x, y in middles]


def fault(layer: str, content: bytes) -> str | None:
    """Why the bytes are no real picture of the layer; None where they are one."""
    try:
        picture = Image.open(io.BytesIO(content)).convert("RGBA")
    except OSError as error:
        return f"is no picture ({error})"
    counted = picture.getcolors(picture.width * picture.height) or []
    opaque = [number for number, colour in counted if colour[3] > 0]
    if sum(opaque) < LEAST_OPAQUE * picture.width * picture.height:
        return f"is transparent but for {sum(opaque)} pixels"
    colours = len(opaque)
    return f"has only {colours} colours" if colours < LEAST_COLOURS[layer] else None


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as reply:
        return reply.read()


def look(address: str, campaign: str, layer: str) -> str:
    """Find a map tile of the layer that is a real picture.

    Returns:
        Its path.

    Raises:
        ValueError: none near the middle of the layer is.
    """
    base = f"{address}/tiles/{campaign}/latest/{layer}"
    bounds = json.loads(fetch(f"{base}/tilejson.json"))["bounds"]
    faults = []
    for z, x, y in candidates(bounds):
        found = fault(layer, fetch(f"{base}/{z}/{x}/{y}.png"))
        if found is None:
            return f"{layer}/{z}/{x}/{y}.png"
        faults.append(f"{z}/{x}/{y} {found}")
    raise ValueError(f"layer {layer}: {'; '.join(faults)}")


def main(address: str, campaign: str) -> int:
    for layer in LAYERS:
        try:
            print(f"a real picture: {look(address, campaign, layer)}", flush=True)
        except (urllib.error.URLError, ValueError, KeyError) as error:
            print(f"No real picture: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
