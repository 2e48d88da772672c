"""What an update gained and lost, by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from finstrat.models.forgetting import judged, periods

TRUTH = np.array([0, 0, 1, 1, 2, 2, 0, 1])
BEFORE = np.array([0, 0, 1, 1, 0, 0, 1, 0])
AFTER = np.array([0, 1, 1, 1, 2, 2, 1, 0])


def test_figures_and_their_changes_are_those_of_the_texts():
    found = judged({"before": BEFORE, "after": AFTER}, TRUTH, "2020", classes=3, seed=0)
    assert (found.period, found.n) == ("2020", 8)
    assert found.accuracy["before"].value == 0.5
    assert found.accuracy_change["after"].value == pytest.approx(0.125)
    assert found.accuracy_change["after"].low < 0.125 < found.accuracy_change["after"].high
    for name, said in (("before", BEFORE), ("after", AFTER)):
        expected = f1_score(TRUTH, said, average="macro", labels=[0, 1, 2], zero_division=0)
        assert found.macro_f1[name].value == pytest.approx(expected, abs=1e-4)


def test_a_model_that_says_the_same_changed_nothing_for_certain():
    found = judged({"before": BEFORE, "after": BEFORE}, TRUTH, "2020", classes=3, seed=0)
    change = found.accuracy_change["after"]
    assert (change.value, change.low, change.high) == (0, 0, 0)


def test_periods_are_of_the_dates_or_of_the_files_where_there_are_none():
    frame = pd.DataFrame({"text": ["a", "b"], "date": ["2020-03-31", "2020-04-01"], "file": "x"})
    assert periods(frame, "quarter") == ["2020Q1", "2020Q2"]
    assert periods(frame, "month") == ["2020-03", "2020-04"]
    assert periods(frame, "year") == ["2020", "2020"]
    assert periods(frame.drop(columns="date"), "year") == ["x", "x"]
