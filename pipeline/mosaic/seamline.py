"""Where the edge between two scenes runs: the cheapest cut through the ground that both show (paper, 2.3).

The ground that both scenes show beside a cloud's edge is a graph of cells; a cut between two neighbouring
cells p and q costs what the scenes differ there, |A(p) - B(p)| + |A(q) - B(q)| (Kwatra et al. 2003,
"Graphcut Textures", eq. 1). The least cut is found on cells of double size first, and then once more between
the cells beside it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from pipeline.distance import near_true
from pipeline.mosaic.cells import LEAST_COST
from pipeline.sketch import block_sums

COARSE = 2
Mask = NDArray[np.bool_]


def yielded(keeps: Mask, takes: Mask, both: Mask, cost: NDArray[np.int32], reach: float) -> Mask:
    """What the composite yields to a further scene.

    Args:
        keeps: cells that the composite shows.
        takes: cells that only the further scene shows, which are its own in any case.
        both: cells of `keeps` that the further scene shows as well.
        cost: of a cut beside each cell, see `cells.difference`.
        reach: cells around `takes` in which the edge may run.

    Returns:
        Bool (h, w): cells of `both`; with `takes` they become the further scene's.
    """
    free = both & (near_true(takes, reach))
    if not free.any():
        return free
    coarse = _coarse_cut(keeps & ~free, takes, free, cost)
    beside = maximum_filter(coarse, 2 * COARSE + 1) & ~minimum_filter(
        coarse | ~(free | takes), 2 * COARSE + 1
    )
    open_ = free & beside
    won = cut(keeps & ~free | free & ~open_ & ~coarse, takes | free & ~open_ & coarse, open_, cost)
    return free & np.where(open_, won, coarse)


def _coarse_cut(keeps: Mask, takes: Mask, free: Mask, cost: NDArray[np.int32]) -> Mask:
    """The cut between cells of double size, back on the cells."""
    takes_, keeps_, free_ = (block_sums(mask, COARSE) > 0 for mask in (takes, keeps, free))
    cost_ = np.maximum(block_sums(cost, COARSE) // COARSE**2, LEAST_COST).astype(np.int32)
    won = cut(keeps_ & ~takes_, takes_, free_ & ~takes_ & ~keeps_, cost_) | takes_
    rows, cols = keeps.shape
    return won.repeat(COARSE, axis=0).repeat(COARSE, axis=1)[:rows, :cols]


def cut(source: Mask, sink: Mask, free: Mask, cost: NDArray[np.int32]) -> Mask:
    """The free cells on the sink's side of the least cut between source and sink.

    Args:
        source: bool (h, w).
        sink: bool (h, w), without cells of `source`.
        free: bool (h, w), without cells of either.
        cost: int (h, w), above 0.

    Returns:
        Bool (h, w), part of `free`. Of equal cuts the one nearest to the sink, so that the answer is one.
    """
    count = int(free.sum())
    if not count:
        return free
    nodes = np.full(free.shape, -1, np.int32)
    nodes[free] = np.arange(count, dtype=np.int32)
    nodes[source], nodes[sink] = count, count + 1
    graph = _graph(nodes, cost, count + 2)
    flow = maximum_flow(graph, count, count + 1)
    left = graph - flow.flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = breadth_first_order(left.T.tocsr(), count + 1, return_predecessors=False)
    won = np.zeros(count + 2, bool)
    won[reached] = True
    return free & won[nodes]


def _graph(nodes: NDArray[np.int32], cost: NDArray[np.int32], size: int) -> sparse.csr_array:
    """Capacities between neighbouring cells, of which at least one is free (its node below size - 2)."""
    starts, ends, capacities = [], [], []
    for first, second in (
        ((slice(-1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(-1)), (slice(None), slice(1, None))),
    ):
        p, q = nodes[first], nodes[second]
        linked = (p >= 0) & (q >= 0) & (np.minimum(p, q) < size - 2)
        capacity = (cost[first] + cost[second])[linked]
        starts += [p[linked], q[linked]]
        ends += [q[linked], p[linked]]
        capacities += [capacity, capacity]
    whole = sparse.coo_array(
        (np.concatenate(capacities), (np.concatenate(starts), np.concatenate(ends))), shape=(size, size)
    )
    return sparse.csr_matrix(whole.tocsr(), dtype=np.int32)
