import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.data import ratios
from finstrat.data.items import ITEMS, item_name


def year(**items):
    """One company's year: unknown but for what is given."""
    return {name: np.array([items.get(name, np.nan)]) for name in ratios.FIRM_YEAR}


NOW = year(
    assets=1100.0,
    current_assets=420.0,
    cash=60.0,
    receivables=120.0,
    property=500.0,
    current_liabilities=200.0,
    short_term_debt=50.0,
    long_term_debt=300.0,
    taxes_payable=12.0,
    shares=100.0,
    revenue_year=1000.0,
    cost_of_revenue_year=600.0,
    operating_income_year=150.0,
    overhead_year=200.0,
    depreciation_year=50.0,
    interest_expense_year=30.0,
    net_income_year=90.0,
    operating_cash_flow_year=110.0,
)
BEFORE = year(
    assets=1000.0,
    current_assets=360.0,
    cash=50.0,
    receivables=90.0,
    property=450.0,
    current_liabilities=180.0,
    short_term_debt=40.0,
    long_term_debt=320.0,
    taxes_payable=10.0,
    shares=100.0,
    revenue_year=900.0,
    cost_of_revenue_year=558.0,
    overhead_year=171.0,
    depreciation_year=50.0,
    net_income_year=72.0,
)
EARLIER = year(assets=900.0)


def test_every_item_read_is_in_the_table_of_items():
    known = {item_name(item.name, "year") for item in ITEMS}
    assert set(ratios.FIRM_YEAR) <= known


def test_growth_and_shares():
    assert ratios.growth(NOW["revenue_year"], BEFORE["revenue_year"])[0] == pytest.approx(1 / 9)
    assert ratios.share(ratios.gross_profit(NOW), NOW["revenue_year"])[0] == pytest.approx(0.4)
    assert ratios.leverage(NOW)[0] == pytest.approx(350 / 1100)
    assert ratios.coverage(NOW)[0] == pytest.approx(5.0)


def test_what_is_not_reported_follows_from_its_parts():
    bare = year(pretax_income_year=120.0, interest_expense_year=30.0, current_long_term_debt=5.0)
    assert ratios.earnings_before_interest(bare)[0] == 150.0
    assert ratios.short_term_debt(bare)[0] == 5.0
    assert np.isnan(ratios.short_term_debt(year()))[0]
    assert ratios.short_term_debt(year(short_term_debt=7.0, short_term_borrowings=3.0))[0] == 7.0
    assert ratios.ordinary_income(year(continuing_income_year=8.0, net_income_year=9.0))[0] == 8.0
    assert ratios.gross_profit(year(gross_profit_year=4.0, revenue_year=10.0))[0] == 4.0


def test_sloans_accruals():
    # ((60 − 10) − (20 − 10 − 2) − 50) / 1050
    assert ratios.sloan_accruals(NOW, BEFORE)[0] == pytest.approx(-8 / 1050)


def test_debt_and_taxes_that_nobody_reports_count_as_unchanged():
    left_out = {"short_term_debt", "taxes_payable"}
    bare = [
        {name: np.array([np.nan]) if name in left_out else value for name, value in each.items()}
        for each in (NOW, BEFORE)
    ]
    # ((60 − 10) − 20 − 50) / 1050
    assert ratios.sloan_accruals(*bare)[0] == pytest.approx(-20 / 1050)


def test_accruals_from_the_cash_flow_statement():
    assert ratios.cash_accruals(NOW, BEFORE)[0] == pytest.approx((90 - 110) / 1050)


def test_a_company_with_every_sign_of_strength_has_nine():
    # Returns 0.09 after 0.08, cash 0.11; debt 300/1050 after 320/950; current ratio 2.1 after 2.0;
    # as many shares; margin 0.40 after 0.38; turnover 1.0 after 1.0, which isn't up.
    assert ratios.piotroski_f(NOW, BEFORE, EARLIER)[0] == 8.0
    less = {**EARLIER, "assets": np.array([910.0])}
    assert ratios.piotroski_f(NOW, BEFORE, less)[0] == 9.0


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({"shares": 101.0}, 7.0),
        ({"shares": 99.0}, 8.0),
        ({"long_term_debt": 400.0}, 7.0),
        ({"current_assets": 390.0}, 7.0),
        ({"cost_of_revenue_year": 700.0}, 7.0),
        ({"operating_cash_flow_year": 80.0}, 7.0),
        ({"operating_cash_flow_year": -1.0}, 6.0),
        ({"net_income_year": 70.0}, 7.0),
        ({"net_income_year": -10.0}, 6.0),
        ({"shares": np.nan}, np.nan),
    ],
)
def test_each_sign_counts_one(changed, score):
    now = {**NOW, **{name: np.array([value]) for name, value in changed.items()}}
    np.testing.assert_equal(ratios.piotroski_f(now, BEFORE, EARLIER)[0], score)


def test_beneishs_score():
    expected = (
        -4.84
        + 0.920 * (0.12 / 0.10)
        + 0.528 * (0.38 / 0.40)
        + 0.404 * ((1 - 920 / 1100) / (1 - 810 / 1000))
        + 0.892 * (1000 / 900)
        + 0.115 * ((50 / 500) / (50 / 550))
        - 0.172 * (0.20 / 0.19)
        + 4.679 * (-20 / 1100)
        - 0.327 * ((500 / 1100) / (500 / 1000))
    )
    assert ratios.beneish_m(NOW, BEFORE)[0] == pytest.approx(expected)


def test_a_company_that_stood_still_is_at_beneishs_base():
    # Every index is 1, and income is cash: −4.84 + 0.920 + 0.528 + 0.404 + 0.892 + 0.115 − 0.172
    # − 0.327
    still = {**NOW, "operating_cash_flow_year": NOW["net_income_year"]}
    assert ratios.beneish_m(still, still)[0] == pytest.approx(-2.48)


@pytest.mark.parametrize("bad", [0.0, -5.0, np.nan])
def test_a_denominator_that_is_none_gives_nothing(bad):
    now = {**NOW, "assets": np.array([bad])}
    assert np.isnan(ratios.leverage(now))[0]
    assert np.isnan(ratios.beneish_m(now, BEFORE))[0]
    assert np.isnan(ratios.growth(np.array([1.0]), np.array([bad])))[0]


@given(st.floats(0.001, 1e6))
def test_a_currency_changes_no_ratio(rate):
    scaled = [
        {name: value if name == "shares" else value * rate for name, value in each.items()}
        for each in (NOW, BEFORE, EARLIER)
    ]
    for function, years in (
        (ratios.sloan_accruals, 2),
        (ratios.cash_accruals, 2),
        (ratios.beneish_m, 2),
        (ratios.leverage, 1),
        (ratios.coverage, 1),
    ):
        before = function(*(NOW, BEFORE, EARLIER)[:years])
        np.testing.assert_allclose(function(*scaled[:years]), before, rtol=1e-9)
