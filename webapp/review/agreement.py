"""How far reviewers agree: first verdicts against second opinions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.accuracy import kappa
from webapp.campaigns.models import Campaign
from webapp.review.models import Opinion, Verdict

ORDER = (Verdict.APPROVE, Verdict.REJECT)


@dataclass(frozen=True)
class Pair:
    """Two verdicts on one revision."""

    first: str
    second: str
    first_verdict: str
    second_verdict: str


def pairs_of(campaign: Campaign) -> list[Pair]:
    """The revisions of a campaign that were judged twice: the first verdict and the second opinion."""
    rows = Opinion.objects.filter(revision__campaign_tile__campaign=campaign).select_related("reviewer")
    found = []
    for opinion in rows.prefetch_related("revision__reviews__reviewer"):
        first = min(opinion.revision.reviews.all(), key=lambda review: review.pk, default=None)
        if first is not None:
            names = first.reviewer.get_username(), opinion.reviewer.get_username()
            found.append(Pair(*names, first.verdict, opinion.verdict))
    return found


def agreement_of(pairs: Iterable[Pair]) -> dict[str, Any]:
    """Cohen's kappa and the counts of pairs of verdicts: rows by the first, columns by the second."""
    counts = np.zeros((len(ORDER), len(ORDER)), np.int64)
    for pair in pairs:
        counts[ORDER.index(Verdict(pair.first_verdict)), ORDER.index(Verdict(pair.second_verdict))] += 1
    total = int(counts.sum())
    return {
        "pairs": total,
        "agreed": float(np.trace(counts) / total) if total else None,
        "kappa": kappa(counts),
        "counts": counts.tolist(),
    }


def by_people(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """The agreement of each two reviewers, whoever of them was first, by name."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        first, second = sorted((pair.first, pair.second))
        turned = pair if pair.first == first else Pair(*reversed_pair(pair))
        found.setdefault((first, second), []).append(turned)
    return [{"people": list(names), **agreement_of(rows)} for names, rows in sorted(found.items())]


def reversed_pair(pair: Pair) -> tuple[str, str, str, str]:
    """The second's verdict first."""
    return pair.second, pair.first, pair.second_verdict, pair.first_verdict
