import numpy as np
import pytest
from numpy.testing import assert_allclose

from finstrat.risk.attribution import factor_attribution, variance_shares

YEAR = 252.0


@pytest.fixture
def planted():
    random = np.random.default_rng(2)
    factors = random.normal(0.0003, 0.01, (800, 2))
    returns = 0.0002 + factors @ [0.8, -0.3] + random.normal(0, 0.002, 800)
    return returns, factors


def test_planted_betas_lie_in_their_intervals(planted):
    found = factor_attribution(*planted, ["market", "size"], periods_per_year=YEAR)
    for loading, truth in zip(found.loadings, (0.8, -0.3), strict=True):
        low, high = loading.beta.ci
        assert low < truth < high
        assert high - low < 0.05
    assert found.r_squared.value > 0.9


def test_alpha_and_contributions_add_up_to_the_mean_return(planted):
    returns, factors = planted
    factors[5, 1] = np.nan
    found = factor_attribution(returns, factors, ["market", "size"], periods_per_year=YEAR)
    parts = found.alpha.value + sum(each.contribution.value for each in found.loadings)
    assert parts == pytest.approx(np.delete(returns, 5).mean() * YEAR, rel=1e-12)
    assert found.alpha.n == 799


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r, f: (r[:20], f[:20]), "20 sessions have all of them; 32 are needed"),
        (lambda r, f: (np.zeros(800), f), "the returns never vary"),
        (lambda r, f: (r, np.column_stack([f[:, 0], 2 * f[:, 0]])), "linear combinations"),
    ],
)
def test_regression_that_can_not_be_made_is_null_and_says_why(planted, change, reason):
    found = factor_attribution(*change(*planted), ["a", "b"], periods_per_year=YEAR)
    assert reason in found.alpha.reason_if_null
    assert found.loadings[1].beta.value is None


def test_variance_shares_of_two_independent_holdings():
    # σ = 2 and 1, uncorrelated: variance 0.25·4 + 0.25·1, shares 4/5 and 1/5.
    returns = np.tile(
        [[2.0, 1.0, 9.0], [2.0, -1.0, 9.0], [-2.0, 1.0, 9.0], [-2.0, -1.0, 9.0]], (10, 1)
    )
    found = variance_shares(np.array([0.5, 0.5, 0.0]), returns, periods_per_year=1.0)
    assert_allclose(found.shares, [0.8, 0.2, 0.0], atol=1e-12)
    assert found.volatility.value == pytest.approx((1.25 * 40 / 39) ** 0.5)


def test_hedge_has_a_share_below_zero_and_shares_add_up():
    random = np.random.default_rng(1)
    market = random.normal(0, 0.01, 300)
    returns = np.column_stack([market, market + random.normal(0, 0.002, 300)])
    found = variance_shares(np.array([1.0, -0.4]), returns, periods_per_year=YEAR)
    assert found.shares[1] < 0
    assert found.shares.sum() == pytest.approx(1.0)


def test_nothing_held_and_no_history_have_no_shares():
    returns = np.full((40, 2), 0.01)
    for weights, past, reason in [
        (np.zeros(2), returns, "nothing is held"),
        (np.ones(2), returns[:5], "5 sessions have all the returns; 30 are needed"),
        (np.ones(2), returns, "never moved"),
    ]:
        found = variance_shares(weights, past, periods_per_year=YEAR)
        assert reason in found.volatility.reason_if_null
        assert np.isnan(found.shares).all()
