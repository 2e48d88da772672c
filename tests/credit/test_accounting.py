import numpy as np
import pytest

from finstrat.credit.accounting import altman_z, altman_z2, ohlson_o


def array(*values):
    return np.array(values, dtype=float)


def z(**changed):
    firm = {
        "working_capital": array(10),
        "retained_earnings": array(20),
        "ebit": array(10),
        "market_equity": array(60),
        "sales": array(150),
        "total_assets": array(100),
        "total_liabilities": array(50),
    }
    return altman_z(**{**firm, **changed})


def o(**changed):
    size = 100 * np.exp(10)
    shares = {
        "total_assets": 1.0,
        "total_liabilities": 0.5,
        "current_assets": 0.4,
        "current_liabilities": 0.3,
        "net_income": 0.05,
        "net_income_before": 0.03,
        "funds_from_operations": 0.1,
        **changed,
    }
    firm = {name: array(share * size) for name, share in shares.items()}
    return ohlson_o(**firm, price_index=100.0).item()


def test_z_of_a_small_firm_by_hand():
    # 1.2·0.1 + 1.4·0.2 + 3.3·0.1 + 0.6·1.2 + 0.999·1.5
    assert z().item() == pytest.approx(0.12 + 0.28 + 0.33 + 0.72 + 1.4985)


def test_z2_of_a_small_firm_by_hand():
    found = altman_z2(
        working_capital=array(10),
        retained_earnings=array(20),
        ebit=array(10),
        book_equity=array(50),
        total_assets=array(100),
        total_liabilities=array(50),
    )
    assert found.item() == pytest.approx(0.656 + 0.652 + 0.672 + 1.05)


def test_o_of_a_sound_firm_by_hand():
    expected = -1.32 - 4.07 + 3.015 - 0.143 + 0.056775 - 0.1185 - 0.366 - 0.521 * 0.25
    assert o() == pytest.approx(expected)


def test_o_of_an_insolvent_firm_that_lost_twice_by_hand():
    found = o(
        total_liabilities=1.2,
        current_assets=0.3,
        current_liabilities=0.6,
        net_income=-0.2,
        net_income_before=-0.1,
        funds_from_operations=-0.1,
    )
    expected = -1.32 - 4.07 + 7.236 + 0.429 + 0.1514 - 1.72 + 0.474 + 0.1525 + 0.285 + 0.521 / 3
    assert found == pytest.approx(expected)


def test_earning_nothing_twice_is_no_change():
    assert o(net_income=0.0, net_income_before=0.0) == pytest.approx(
        -1.32 - 4.07 + 3.015 - 0.143 + 0.056775 - 0.366
    )


@pytest.mark.parametrize("wrong", [np.nan, 0.0, -5.0])
@pytest.mark.parametrize("name", ["total_assets", "total_liabilities"])
def test_without_positive_assets_and_liabilities_there_is_no_score(name, wrong):
    assert np.isnan(z(**{name: array(wrong)}))


@pytest.mark.parametrize("name", ["net_income", "net_income_before", "current_liabilities"])
def test_an_unknown_input_leaves_o_unknown(name):
    assert np.isnan(o(**{name: np.nan}))


def test_scores_come_in_the_shape_of_their_inputs():
    square = {name: np.full((2, 3), 1.0) for name in ("working_capital", "ebit", "sales")}
    rest = {name: np.full((2, 3), 2.0) for name in ("retained_earnings", "market_equity")}
    owned = {name: np.full((2, 3), 4.0) for name in ("total_assets", "total_liabilities")}
    assert altman_z(**square, **rest, **owned).shape == (2, 3)
