import numpy as np
import pandas as pd
import pytest

from finstrat.credit.borrowers import Borrowers
from finstrat.credit.folds import grouped_folds, kinship
from finstrat.errors import DataError


def rows(entity, values):
    return Borrowers(
        pd.DataFrame({"x": np.asarray(values, dtype=float)}),
        None,
        np.asarray(entity, dtype=object),
        None,
    )


def test_rows_of_a_borrower_and_copies_are_kin_also_through_each_other():
    # A owns rows 0 and 1; row 1 is a copy of row 2, which is B's, as is row 3; row 4 stands alone.
    kin = kinship(rows(["A", "A", "B", "B", "C"], [1, 2, 2, 3, 4]))
    assert len(set(kin[:4])) == 1
    assert kin[4] != kin[0]


def test_rows_with_the_same_hole_are_copies():
    kin = kinship(rows(["A", "B", "C"], [np.nan, np.nan, 1.0]))
    assert kin[0] == kin[1] != kin[2]


def test_folds_keep_kin_together_and_spread_defaults():
    rng = np.random.default_rng(0)
    kin = np.repeat(np.arange(200), 3)
    defaulted = rng.random(600) < 0.2
    fold = grouped_folds(defaulted, kin, count=5, seed=1)
    assert all(len(set(fold[kin == each])) == 1 for each in range(200))
    rates = [defaulted[fold == i].mean() for i in range(5)]
    assert max(rates) - min(rates) < 0.05
    assert (grouped_folds(defaulted, kin, count=5, seed=1) == fold).all()


def test_too_few_defaults_for_the_folds_are_refused():
    defaulted = np.arange(50) < 3
    with pytest.raises(DataError, match="3 defaults among 50 rows are too few for 5 folds"):
        grouped_folds(defaulted, np.arange(50), count=5, seed=0)
