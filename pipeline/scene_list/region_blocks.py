"""Large regions in blocks: lists bettered and strangers bounded a block at a time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.scene_list.options import Option, Options
from pipeline.scene_list.region_program import Program

# Tiles of a block.
SIZE = 12

Near = Mapping[str, Sequence[str]]


def blocks_of(near: Near, last: bool = False) -> list[list[str]]:
    """The tiles in blocks of neighbours.

    Args:
        near: the neighbours of each tile by name.
        last: whether to begin with the last names, which puts the edges of blocks elsewhere.
    """
    left = dict.fromkeys(sorted(near, reverse=last))
    blocks = []
    while left:
        block = [next(iter(left))]
        for name in block:
            block += [one for one in sorted(near[name], reverse=last) if one in left and one not in block]
        block = block[:SIZE]
        for name in block:
            del left[name]
        blocks.append(block)
    return blocks


def bettered(
    found: Mapping[str, Options], near: Near, picked: Mapping[str, Option], deadline: float
) -> dict[str, Option]:
    """Lists at least as good: each block in turn takes the best beside the lists around it.

    Args:
        found: the options of each tile by name.
        near: its neighbours.
        picked: an option of each tile.
        deadline: of the monotonic clock.
    """
    best = dict(picked)
    for place, blocks in enumerate((blocks_of(near), blocks_of(near, last=True))):
        until = time.monotonic() + (deadline - time.monotonic()) / (2 - place)
        for done, block in enumerate(blocks):
            now = time.monotonic()
            options = {name: found[name].options for name in block}
            inside = _inside(options, near, {name: one.takes for name, one in best.items()})
            program = Program(inside, _pairs(block, near))
            others = program.pick(now + (until - now) / (len(blocks) - done)).options
            chosen = {name: _with(found[name].options, other.chosen) for name, other in others.items()}
            if _cost(best | chosen, block, near) < _cost(best, block, near):
                best |= chosen
    return best


def least_strangers(found: Mapping[str, Options], near: Near, deadline: float) -> int:
    """A lower bound of the strangers of a region: the sum of what blocks cannot avoid by themselves.

    Around a block, each tile can have all its datatakes at once. A pair of two blocks is half of either.
    """
    halves = 0
    blocks = blocks_of(near)
    for done, block in enumerate(blocks):
        hopes = {
            name: [replace(one, strangers=2 * one.strangers) for one in found[name].hopes] for name in block
        }
        inside = _inside(hopes, near, {name: one.possible for name, one in found.items()})
        now = time.monotonic()
        program = Program(inside, _pairs(block, near), apart=2)
        least = program.least_strangers(now + (deadline - now) / (len(blocks) - done))
        halves += max(least, sum(_alone(name, found, near) for name in block))
    return -(-halves // 2)


def _alone(name: str, found: Mapping[str, Options], near: Near) -> int:
    """Twice the strangers that a tile cannot avoid, half of each pair."""
    return min(
        2 * one.strangers + sum(one.takes.isdisjoint(found[other].possible) for other in near[name])
        for one in found[name].hopes
    )


def _inside(
    options: Mapping[str, Sequence[Option]], near: Near, takes: Mapping[str, frozenset[str]]
) -> dict[str, list[Option]]:
    """The options of a block, the tiles around it that share no datatake with them as strangers."""
    around = {name: [other for other in near[name] if other not in options] for name in options}
    return {
        name: [
            replace(
                one, strangers=one.strangers + sum(one.takes.isdisjoint(takes[at]) for at in around[name])
            )
            for one in own
        ]
        for name, own in options.items()
    }


def _pairs(block: Sequence[str], near: Near) -> list[tuple[str, str]]:
    return [(one, other) for one in block for other in near[one] if other in block and one < other]


def _with(options: Sequence[Option], chosen: tuple[int, ...]) -> Option:
    return next(one for one in options if one.chosen == chosen)


def _cost(picked: Mapping[str, Option], block: Sequence[str], near: Near) -> tuple[object, ...]:
    """The objective as far as a block decides on it."""
    pairs = {tuple(sorted((one, other))) for one in block for other in near[one]}
    apart = sum(picked[one].takes.isdisjoint(picked[other].takes) for one, other in pairs)
    own = [picked[name] for name in sorted(block)]
    strangers = apart + sum(one.strangers for one in own)
    return strangers, sum(one.days for one in own), sum(one.unclear for one in own), [one.ids for one in own]
