import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sections.credit_calibration import CreditCalibrationSection
from finstrat_plugins.sections.credit_ranking import CreditRankingSection
from finstrat_plugins.sections.credit_stability import CreditStabilitySection


@pytest.fixture
def result(make_result):
    """Fifty borrowers at two dates, band 1 below 10 %; those of 30 % default three times in ten."""
    chance = np.tile(np.r_[np.full(30, 0.05), np.full(20, 0.30)], 2)
    failed = np.tile(np.r_[np.arange(30) < 1, np.arange(20) < 6], 2)
    rows = pd.DataFrame(
        {
            "sample": "judged",
            "entity": [f"F{i}" for i in range(50)] * 2,
            "as_of": pd.to_datetime(np.repeat(["2015-12-31", "2016-12-31"], 50)),
            "probability": chance,
            "band": np.where(chance < 0.1, "1", "2"),
            "defaulted": failed,
        }
    )
    config = {"bands": [0.1], "seed": 0}
    return make_result([0.0], kind="credit", config=config, assessments=rows)


def test_ranking_is_the_share_of_pairs_in_the_right_order(result):
    figures = dict(CreditRankingSection().build(result).figures)
    # Of 7·43 pairs, 6·29 stand in order and 6·14 + 1·29 are tied.
    expected = (6 * 29 + (6 * 14 + 1 * 29) / 2) / (7 * 43)
    assert figures["ROC-AUC"].value == pytest.approx(expected)
    assert figures["Gini"].value == pytest.approx(2 * expected - 1)


def test_bands_hold_what_was_expected_beside_what_happened(result):
    block = CreditCalibrationSection().build(result)
    figures = dict(block.figures)
    assert figures["Mean probability"].value == pytest.approx((30 * 0.05 + 20 * 0.30) / 50)
    assert figures["Default rate"].value == pytest.approx(7 / 50)
    assert [row[2] for row in block.tables[0].rows] == [60, 40]


def test_borrowers_who_stay_in_their_band_migrate_to_it(result):
    block = CreditStabilitySection().build(result)
    (table,) = block.tables
    assert [row[2:] for row in table.rows] == [(100.0, 0.0), (0.0, 100.0)]
    assert block.status == ""
