import json

import numpy as np
import pandas as pd
import pytest

from finstrat.credit.encoding import Encoding, learn_encoding

FEATURES = pd.DataFrame(
    {
        "debt": [1.0, 2.0, 3.0, np.nan],
        "job": pd.Series(["a", "b", "a", None], dtype=object),
    }
)
BAD = np.array([False, False, True, True])


def test_plain_keeps_numbers_and_marks_each_category():
    found = learn_encoding("plain", FEATURES, BAD).matrix(FEATURES)
    np.testing.assert_array_equal(found, [[1, 1, 0], [2, 0, 1], [3, 1, 0], [np.nan, 0, 0]])


def test_scores_put_the_median_at_zero_and_mark_holes():
    many = pd.DataFrame({"x": [*np.arange(101.0), np.nan]})
    found = learn_encoding("scores", many, np.zeros(102, dtype=bool)).matrix(many)
    assert found.shape == (102, 2)
    assert found[50, 0] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(found[:101, 0]) > 0).all()
    assert found[101].tolist() == [0.0, 1.0]
    assert found[:101, 1].sum() == 0


def test_scores_of_outlandish_numbers_are_no_larger_than_the_largest_known():
    many = pd.DataFrame({"x": np.arange(101.0)})
    encoding = learn_encoding("scores", many, np.zeros(101, dtype=bool))
    far = encoding.matrix(pd.DataFrame({"x": [1e9, -1e9]}))
    assert far[:, 0].tolist() == [encoding.columns[0].worth[-1], encoding.columns[0].worth[0]]


def test_weight_of_evidence_of_a_category_by_hand():
    # Rate 1/2, so a quarter of a row is added to each cell; "a" has one of the two defaults and
    # one of the two others, "b" one other, unknown one default.
    found = learn_encoding("woe", FEATURES[["job"]], BAD).matrix(FEATURES[["job"]])[:, 0]
    bad, good = np.array([1.25, 0.25, 1.25]), np.array([1.25, 1.25, 0.25])
    expected = np.log(bad / bad.sum()) - np.log(good / good.sum())
    assert found.tolist() == pytest.approx([expected[0], expected[1], expected[0], expected[2]])


def test_weight_of_evidence_bins_rise_with_risk():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 2000)
    many = pd.DataFrame({"x": x})
    encoding = learn_encoding("woe", many, rng.random(2000) < x)
    assert 2 <= len(encoding.columns[0].worth) <= 6
    assert (np.diff(encoding.columns[0].worth) > 0).all()


@pytest.mark.parametrize("kind", ["plain", "scores", "woe"])
def test_category_never_seen_counts_as_unknown(kind):
    encoding = learn_encoding(kind, FEATURES, BAD)
    new = pd.DataFrame({"debt": [2.0, 2.0], "job": pd.Series(["z", None], dtype=object)})
    found = encoding.matrix(new)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("kind", ["plain", "scores", "woe"])
def test_encoding_survives_json(kind):
    encoding = learn_encoding(kind, FEATURES, BAD)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    np.testing.assert_array_equal(again.matrix(FEATURES), encoding.matrix(FEATURES))


def test_column_of_holes_alone_is_taken():
    empty = pd.DataFrame({"x": [np.nan, np.nan], "y": [1.0, 2.0]})
    for kind in ("plain", "scores", "woe"):
        assert len(learn_encoding(kind, empty, BAD[1:3]).matrix(empty)) == 2
