"""Scene list problems as property tests draw them."""

import numpy as np
from hypothesis import strategies as st

from pipeline.scene_list.objective import Problem


@st.composite
def problems(draw: st.DrawFn, name: str = "", most_masks: int = 80, most_repeats: int = 40) -> Problem:
    """Up to 14 candidates; few dates and repeated masks, so that every level gets to decide.

    Args:
        draw: given by hypothesis.
        name: what the ids begin with.
        most_masks: pixels that are drawn, at most.
        most_repeats: each of them stands fewer times than this.
    """
    count = draw(st.integers(1, 14))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    clear = random.random((count, draw(st.integers(1, most_masks)))) < random.uniform(0.1, 0.95, (count, 1))
    clear = np.repeat(clear, random.integers(1, draw(st.integers(2, most_repeats)), clear.shape[1]), axis=1)
    for _ in range(draw(st.integers(0, 3))):
        clear[random.integers(count)] = clear[random.integers(count)]
    clear[0, 0] = True
    sure = clear & (random.random(clear.shape) < random.uniform(0.2, 1.0)) if draw(st.booleans()) else None
    forced = random.permutation(count)[: draw(st.integers(0, 2))] if draw(st.booleans()) else ()
    return Problem(
        ids=tuple(f"{name}scene-{place:02d}" for place in range(count)),
        clear=clear,
        days=random.integers(0, draw(st.integers(1, 12)), count),
        matches=random.random((count, draw(st.integers(0, 3)))) < 0.4,
        share=draw(st.sampled_from([1.0, 0.999, 0.95, 0.8, 0.5])),
        wanted=draw(st.integers(1, 3)),
        forced=tuple(int(place) for place in sorted(forced)),
        sure=sure,
    )
