"""How far two labellings agree."""

import numpy as np


def table(first: np.ndarray, second: np.ndarray, codes: list) -> np.ndarray:
    """Counts of pairs, int64 of shape (codes, codes): rows by the first labelling, columns by the second."""
    return np.array([[int(((first == a) & (second == b)).sum()) for b in codes] for a in codes], np.int64)


def figures(counts: np.ndarray, names: list[str]) -> dict:
    """Accuracy, Cohen's kappa and F1 of each class (None where neither labelling has it), and the counts."""
    total = counts.sum()
    agreed = np.trace(counts) / total
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    by_chance = float((rows * columns).sum() / total**2)
    both = {
        name: 2 * int(counts[index, index]) / int(rows[index] + columns[index])
        if rows[index] + columns[index]
        else None
        for index, name in enumerate(names)
    }
    kappa = (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else None
    return {"accuracy": float(agreed), "kappa": kappa, "f1": both, "counts": counts.tolist()}
