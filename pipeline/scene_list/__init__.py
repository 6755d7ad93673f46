"""Stage 1: the minimum cloud-free scene list of a tile (paper, 2.1)."""

from pipeline.scene_list.choose import choose, choose_again, choose_among, redraw
from pipeline.scene_list.masks import Look, look, read_masks
from pipeline.scene_list.model import Candidate, Next, SceneList, best_next
from pipeline.scene_list.overrides import Overrides
from pipeline.scene_list.together import Member, choose_together

__all__ = [
    "Candidate",
    "Look",
    "Member",
    "Next",
    "Overrides",
    "SceneList",
    "best_next",
    "choose",
    "choose_again",
    "choose_among",
    "choose_together",
    "look",
    "read_masks",
    "redraw",
]
