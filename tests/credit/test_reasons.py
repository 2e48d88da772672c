import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from finstrat.credit.reasons import reasons, typical_values

FEATURES = pd.DataFrame(
    {
        "debt": [2.0, 0.0, np.nan, 1.0],
        "age": [30.0, 40.0, 50.0, 40.0],
        "job": pd.Series(["none", "fixed", "fixed", "fixed"], dtype=object),
    }
)


def assess(rows):
    return expit(rows["debt"].fillna(1.0) + 0.5 * (rows["job"] == "none") - 1.0).to_numpy()


def test_typical_is_the_median_and_the_most_frequent():
    assert typical_values(FEATURES) == {"debt": 1.0, "age": 40.0, "job": "fixed"}


def test_strongest_reason_comes_first_and_what_moves_nothing_is_none():
    first, second, *_ = reasons(assess, FEATURES, typical_values(FEATURES))
    assert [each.column for each in first] == ["debt", "job"]
    assert first[0].probability == pytest.approx(expit(1.5))
    assert first[0].without == pytest.approx(expit(0.5))
    assert [each.column for each in second] == ["debt"]


def test_reason_reads_in_plain_words():
    told = [
        [str(each) for each in row] for row in reasons(assess, FEATURES, typical_values(FEATURES))
    ]
    assert told[0] == [
        "debt 2 (typical 1) raises it from 62.2% to 81.8%",
        "job none (typical fixed) raises it from 73.1% to 81.8%",
    ]
    assert told[1] == ["debt 0 (typical 1) lowers it from 50.0% to 26.9%"]
    assert told[3] == []


def test_no_more_reasons_than_asked_for():
    assert len(reasons(assess, FEATURES, typical_values(FEATURES), most=1)[0]) == 1
