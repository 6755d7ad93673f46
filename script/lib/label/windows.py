"""Windows to label, drawn by brightness alone."""

from pathlib import Path

import numpy as np

from script.lib.label.scenes import Place, read, shape
from script.lib.say import Trouble


def draw(plan: dict, data: Path) -> list[dict]:
    """Draw the windows that `plan` asks for: the same from the same plan and data.

    A window with a smaller share of bright pixels than `mixed` says is plain, one with a larger is not drawn.

    Args:
        plan: {"seed", "size" of a window in pixels, "most_empty": share of a window that may be without data,
            "twice": how many are labelled a second time, "scenes": [{"name", "scene", "rows": used from the
            top, "bright": {"band", "above"}, "mixed": [SHARE, SHARE], "draw": {"mixed": COUNT, "plain":
            COUNT}, ...}]}.
        data: folder of the scenes.

    Returns:
        {"id", "scene", "row", "col", "kind", "twice"} for each window; those of one scene do not overlap.
    """
    generator = np.random.default_rng(plan["seed"])
    drawn = [window for of_scene in plan["scenes"] for window in _of_scene(plan, of_scene, data, generator)]
    for index in generator.choice(len(drawn), plan["twice"], replace=False):
        drawn[index]["twice"] = True
    return drawn


def _of_scene(plan: dict, of_scene: dict, data: Path, generator: np.random.Generator) -> list[dict]:
    size, scene = plan["size"], of_scene["scene"]
    rows, cols = shape(data, scene)
    rows = min(rows, of_scene["rows"])
    bands = read(data, Place(scene, 0, 0, rows, cols))
    bright = bands[of_scene["bright"]["band"]] > of_scene["bright"]["above"]
    there = np.isfinite(bands["red"])
    kinds: dict[str, list[tuple[int, int]]] = {"mixed": [], "plain": []}
    low, high = of_scene["mixed"]
    first_row, first_col = (int(generator.integers(length % size + 1)) for length in (rows, cols))
    for row in range(first_row, rows - size + 1, size):
        for col in range(first_col, cols - size + 1, size):
            inside = np.s_[row : row + size, col : col + size]
            if there[inside].mean() < 1 - plan["most_empty"]:
                continue
            share = bright[inside].sum() / there[inside].sum()
            if share <= high:
                kinds["plain" if share < low else "mixed"].append((row, col))
    name = of_scene["name"]
    windows: list[dict] = []
    for kind, count in of_scene["draw"].items():
        if len(kinds[kind]) < count:
            raise Trouble(f"{scene} has only {len(kinds[kind])} {kind} windows, and {count} are asked for.")
        chosen = sorted(generator.choice(len(kinds[kind]), count, replace=False)) if count else []
        for row, col in (kinds[kind][index] for index in chosen):
            windows.append(
                {"id": f"{name}-{len(windows) + 1:02}", "scene": scene, "row": row, "col": col}
                | {"kind": kind, "twice": False}
            )
    return windows
