"""What the review desk keeps."""

from webapp.review.models.defect import Defect
from webapp.review.models.queue import QueueEntry
from webapp.review.models.verdict import Opinion, Reason, Review, Verdict

__all__ = ["Defect", "Opinion", "QueueEntry", "Reason", "Review", "Verdict"]
