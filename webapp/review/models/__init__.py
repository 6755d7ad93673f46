"""What the review desk keeps."""

from webapp.review.models.accuracy import Assessment, SamplePoint
from webapp.review.models.defect import Defect
from webapp.review.models.queue import QueueEntry
from webapp.review.models.verdict import Opinion, Reason, Review, Verdict

__all__ = ["Assessment", "Defect", "Opinion", "QueueEntry", "Reason", "Review", "SamplePoint", "Verdict"]
