"""Stage 3a: the composite of one tile from its own scenes (paper, 2.3)."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.errors import UsageError
from pipeline.evidence import CLEAR, DOUBTFUL, MOST_SCENES, margin_pixels, scene_folder
from pipeline.grid import Tile
from pipeline.ground import Cells, CellSums
from pipeline.mosaic.assembly import DARK_KINDS, Assembly, Offsets, inside
from pipeline.mosaic.drafts import Draft, drafts_of
from pipeline.mosaic.fusion import Fusion
from pipeline.mosaic.series import SUSPECT, demoted, strips, suspicion
from pipeline.mosaic.shade import DARK, DARK_SUSPECT, asked, judged
from pipeline.mosaic.views import SceneView
from pipeline.mosaic.writing import write
from pipeline.parallel import in_order, one_ahead
from pipeline.raster import opened, window_geobox, windows
from pipeline.settings import CampaignSettings

COMPARED = 4


def compose(
    scenes: Sequence[Scene],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    hazy: Collection[str] = (),
    witnesses: Sequence[Scene] = (),
) -> dict[str, Any]:
    """Make composite.tif, provenance.tif and balance.npz of a build.

    The scenes are brought to the radiometry of the first (`radiometry`), what other dates speak against is
    taken down (`series`), and each cell of 60 m shows the first scene in order that is clear there, else the
    first that is doubtful, else (where the campaign allows it) the first hazy one; the edges between scenes
    run where these agree (`seamline`), and the later one is led over to the earlier one (`assembly`). Then
    the pixels are fused window by window (`fusion`); what nothing shows is a hole. Provenance names the main
    contributor.

    Args:
        scenes: in order of rank; their reflectance.tif and cloud.tif are in the folder.
        tile: whose composite it is.
        settings: of the campaign.
        folder: of the build.
        hazy: ids of the scenes that are hazy as a whole.
        witnesses: further scenes in the folder, which are only asked what the ground looked like.

    Returns:
        Shares of the tile ("coverage", "clear", "doubtful", "hazy", "holes"), "residual_cloud" (share of the
        compared ground that shows what another date speaks against, for want of anything better),
        "residual_cloud_compared" and "scenes" with their corrections.

    Raises:
        UsageError: there are no scenes, or more than provenance can name.
        SourceError: a scene's files are missing.
    """
    if not 1 <= len(scenes) <= MOST_SCENES:
        raise UsageError(f"A composite needs 1 to {MOST_SCENES} scenes, not {len(scenes)}.", "scenes")
    folder, geobox = Path(folder), tile.geobox(settings.resolution)
    with tempfile.TemporaryDirectory(prefix=".compose-", dir=folder) as work, ExitStack() as stack:
        drafts = drafts_of(scenes, witnesses, geobox, settings, folder, Path(work), hazy)
        _compare(drafts, settings)
        assembly = Assembly(drafts[0].sketch.cells, Offsets(Path(work)))
        suspicious = _assemble(assembly, drafts, settings)
        fusion = Fusion(list(_views(stack, drafts, folder)), assembly, settings.fill_hazy)
        tally = write(fusion, geobox, folder)
        _cell_means(assembly).save(folder / "balance.npz")
    listed = [draft for draft in drafts if draft.rank]
    return (
        tally.report()
        | suspicious
        | {"scenes": [_report(draft, tally.share(draft.rank)) for draft in listed]}
    )


def _report(draft: Draft, share: float) -> dict[str, Any]:
    return {"id": draft.scene.id, "rank": draft.rank, "share": share, **draft.correction.to_json()}


def _compare(drafts: Sequence[Draft], settings: CampaignSettings) -> None:
    """Write what the dates say about each other; hazy scenes take no part."""
    good = [draft for draft in drafts if not draft.hazy]
    shape = drafts[0].sketch.cells.geobox.shape.yx
    _write_strips([draft.marks for draft in good], partial(_marks, good), shape)


def _marks(drafts: Sequence[Draft], window: Window) -> NDArray[np.uint8]:
    views = np.stack([draft.values(window) for draft in drafts])
    marks, compared = suspicion(views, np.asarray(np.isfinite(views).all(axis=1)))
    return (marks + COMPARED * compared).astype(np.uint8)


def _write_strips(
    paths: Sequence[Path], work: Callable[[Window], NDArray[np.uint8]], shape: tuple[int, int]
) -> None:
    """Fill a file for each scene with what is worked out for all of them (n, h, w), strip by strip."""
    rows, cols = shape
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        parts = [Window(0, top, cols, bottom - top) for top, bottom in strips(rows, cols, len(paths))]
        for _, found in in_order(work, parts):
            for file, one in zip(files, found, strict=True):
                file.write(one.tobytes())


def _level(draft: Draft, settings: CampaignSettings) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """How sure the cells of a scene are after all, and which could be compared."""
    level = draft.sketch.level(settings.margin)
    if draft.hazy:
        return level, np.zeros(level.shape, bool)
    stored = np.fromfile(draft.marks, np.uint8).reshape(level.shape)
    compared = stored >= COMPARED
    margin = margin_pixels(settings.margin, draft.sketch.cells.size)
    return demoted(level, stored % COMPARED, compared, margin), compared


def _assemble(assembly: Assembly, drafts: Sequence[Draft], settings: CampaignSettings) -> dict[str, float]:
    """Decide which scene each cell shows; the surest first, and in order of rank among the equally sure."""
    good = [draft for draft in drafts if draft.rank and not draft.hazy]
    hazy = [draft for draft in drafts if draft.rank and draft.hazy and settings.fill_hazy]
    known = np.zeros(assembly.rank.shape, bool)

    def seen(draft: Draft) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]]:
        return draft.values(), *_level(draft, settings)

    # The next scene is read while one is laid; more than that would take memory.
    for draft, (values, level, compared) in one_ahead(seen, good):
        known |= compared
        assembly.lay_clear(draft.rank, values, level)
        _keep(level, draft.marks)
    _ask_shaded(good, assembly.rank == 0)
    for kind in (DOUBTFUL, DARK, SUSPECT, DARK_SUSPECT):
        _fill(assembly, good, kind)
    for draft in hazy:
        assembly.lay_hazy(draft.rank, draft.values(), _level(draft, settings)[0])
    count = int(known.sum())
    share = float(assembly.suspect.sum() / count) if count else 0.0
    return {"residual_cloud": share, "residual_cloud_compared": float(known.mean())}


def _fill(assembly: Assembly, drafts: Sequence[Draft], kind: int) -> None:
    """Show laid scenes where they are `kind` and nothing surer is."""
    shape = assembly.rank.shape

    def seen(draft: Draft) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float64]] | None:
        level = np.fromfile(draft.marks, np.uint8).reshape(shape)
        if not _opens(assembly, level == kind):
            return None
        values = draft.values_shaded()[0] if kind in DARK_KINDS else draft.values()
        return values, level, inside(level, kind)

    for draft, found in one_ahead(seen, drafts):
        # Scenes before it may have filled all of it by now.
        if found and _opens(assembly, found[1] == kind):
            values, level, away = found
            assembly.fill(draft.rank, values, level, kind, away)


def _opens(assembly: Assembly, cells: NDArray[np.bool_]) -> bool:
    """Whether any of the cells shows nothing yet."""
    return bool((cells & (assembly.rank == 0)).any())


def _keep(level: NDArray[np.uint8], path: Path) -> None:
    """Write how sure the cells are, to a new file: some file systems flush one that is written over."""
    path.unlink(missing_ok=True)
    level.tofile(path)


def _ask_shaded(drafts: Sequence[Draft], open_: NDArray[np.bool_]) -> None:
    """Rewrite how sure cells of laid scenes are where none is clear and some are in shadow, see `shade`."""
    _write_strips([draft.told for draft in drafts], partial(_told_of_shaded, drafts, open_), open_.shape)
    for draft in drafts:
        level, told = (np.fromfile(path, np.uint8).reshape(open_.shape) for path in (draft.marks, draft.told))
        if told.any():
            _keep(judged(level, told), draft.marks)


def _told_of_shaded(drafts: Sequence[Draft], open_: NDArray[np.bool_], window: Window) -> NDArray[np.uint8]:
    part = window.toslices()
    levels = np.stack([_laid(draft, open_.shape)[part] for draft in drafts])
    seen = [draft.values_shaded(window) for draft in drafts]
    told = asked(levels, np.stack([shaded for _, shaded in seen]), open_[part])
    if told.any():
        told += suspicion(np.stack([values for values, _ in seen]), told > 0)[0]
    return told


def _laid(draft: Draft, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """How sure the cells of a laid scene are, left on disk."""
    return np.memmap(draft.marks, np.uint8, "r", shape=shape)


def _views(stack: ExitStack, drafts: Sequence[Draft], folder: Path) -> Iterator[SceneView]:
    for draft in drafts:
        if draft.rank:
            place = scene_folder(folder, draft.scene.id)
            pixels = stack.enter_context(opened(place / "reflectance.tif"))
            mask = stack.enter_context(opened(place / "cloud.tif"))
            level = None if draft.hazy else _laid(draft, draft.sketch.cells.geobox.shape.yx)
            yield SceneView(draft.rank, pixels, mask, draft.correction, draft.hazy, level)


def _cell_means(assembly: Assembly) -> Cells:
    """What neighbours compare: means of the composite over its clear land."""
    sums, geobox = CellSums(assembly.grid.geobox), assembly.grid.geobox
    for window in windows(geobox.shape.yx):
        part = window.toslices()
        sums.add(
            assembly.values[(slice(None), *part)],
            assembly.level[part] == CLEAR,
            window_geobox(geobox, window),
        )
    return sums.cells()
