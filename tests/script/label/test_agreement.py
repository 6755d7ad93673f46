"""Agreement of two labellings, on a table worked out by hand."""

import numpy as np
import pytest

from script.lib.label import agreement


def test_figures_of_a_known_table():
    first = np.array(["a"] * 25 + ["b"] * 25)
    second = np.array(["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15)
    counts = agreement.table(first, second, ["a", "b", "c"])
    assert counts.tolist() == [[20, 5, 0], [10, 15, 0], [0, 0, 0]]
    found = agreement.figures(counts, ["a", "b", "c"])
    assert found["accuracy"] == pytest.approx(0.7) and found["kappa"] == pytest.approx(0.4)
    assert found["f1"] == {"a": pytest.approx(40 / 55), "b": pytest.approx(30 / 45), "c": None}


def test_two_labellings_with_one_class_have_no_kappa():
    assert agreement.figures(np.array([[7, 0], [0, 0]]), ["a", "b"])["kappa"] is None
