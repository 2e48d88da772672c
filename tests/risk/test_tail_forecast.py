import numpy as np
import pytest
from scipy import integrate, stats

from finstrat.risk import tail_forecast as tf


def normal_rows(rows=3, window=100_000, sigma=0.01, seed=0):
    return np.random.default_rng(seed).normal(0.0, sigma, (rows, window))


def test_past_of_todays_book_applies_the_weights_of_the_day():
    returns = np.array([[0.01, 0.02], [0.03, -0.01], [0.02, 0.00]])
    holdings = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 2.0]])
    past = tf.past_of_todays_book(holdings, returns, window=2)
    assert np.isnan(past[0]).all()
    np.testing.assert_allclose(past[1], [0.015, 0.01])
    np.testing.assert_allclose(past[2], [-0.02, 0.0])


def test_unknown_history_of_an_asset_matters_only_while_it_is_held():
    returns = np.array([[0.01, np.nan], [0.03, 0.01], [0.02, 0.01]])
    held = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    past = tf.past_of_todays_book(held, returns, window=2)
    np.testing.assert_allclose(past[1], [0.01, 0.03])
    assert np.isnan(tf.past_of_todays_book(np.full((3, 2), 0.5), returns, window=2)[1]).any()


def test_historical_tail_of_a_hundred_losses_by_hand():
    past = -np.arange(1.0, 101.0)[None] / 1000
    var, es = tf.historical(past, 0.95)
    assert var[0] == pytest.approx(0.095)
    assert es[0] == pytest.approx(np.mean([0.096, 0.097, 0.098, 0.099, 0.100]))


def test_historical_shortfall_splits_an_observation():
    past = -np.array([[0.01, 0.02, 0.03]])
    var, es = tf.historical(past, 0.5)
    # Half the mass: the worst third whole, and half of the middle third.
    assert var[0] == pytest.approx(0.02)
    assert es[0] == pytest.approx((0.03 / 3 + 0.02 / 6) / 0.5)


@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize("model", ["historical", "normal", "Cornish-Fisher", "extreme value (GPD)"])
def test_models_agree_with_the_normal_law_on_normal_returns(model, level):
    var, es = tf.MODELS[model](normal_rows(), level)
    z = stats.norm.ppf(level)
    np.testing.assert_allclose(var, 0.01 * z, rtol=0.03)
    np.testing.assert_allclose(es, 0.01 * stats.norm.pdf(z) / (1 - level), rtol=0.03)


def test_extreme_value_model_finds_a_heavy_tail():
    past = stats.t(4).rvs((4, 100_000), random_state=1) * 0.01
    var, es = tf.extreme_value(past, 0.99)
    law = stats.t(4)
    expected = law.expect(lambda x: x, lb=law.ppf(0.99), conditional=True) * 0.01
    np.testing.assert_allclose(var, law.ppf(0.99) * 0.01, rtol=0.05)
    np.testing.assert_allclose(es, expected, rtol=0.08)


def test_cornish_fisher_shortfall_is_the_mean_of_its_quantiles():
    past = stats.gamma(20).rvs((1, 5_000), random_state=2) * -0.001
    var, es = tf.cornish_fisher(past, 0.95)
    mean, sigma = past.mean(), past.std(ddof=1)
    s, k = stats.skew(past[0]), stats.kurtosis(past[0])

    def loss(p):
        z = stats.norm.ppf(p)
        c = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
        return -(mean + sigma * c)

    assert var[0] == pytest.approx(loss(0.05))
    assert es[0] == pytest.approx(integrate.quad(loss, 0, 0.05)[0] / 0.05, rel=1e-3)


def test_cornish_fisher_is_null_outside_its_domain():
    past = np.zeros((1, 500))
    past[0, :3] = -1.0
    past[0, 3:] = 0.001 * np.random.default_rng(0).normal(size=497)
    assert np.isnan(tf.cornish_fisher(past, 0.95)[0]).all()


def test_ewma_weighs_yesterday_most():
    past = np.zeros((2, 300)) + 1e-6
    past[0, -1] = past[1, 0] = 0.05
    recent, old = tf.ewma(past, 0.95)[0]
    assert recent == pytest.approx(0.05 * np.sqrt(1 - 0.94) * stats.norm.ppf(0.95), rel=1e-3)
    assert old < recent / 100


def test_filtered_history_follows_volatility():
    rng = np.random.default_rng(3)
    variance, shocks = 1e-4, []
    for _ in range(3_000):
        shocks.append(rng.normal() * np.sqrt(variance))
        variance = 2e-6 + 0.10 * shocks[-1] ** 2 + 0.88 * variance
    past = np.lib.stride_tricks.sliding_window_view(np.array(shocks), 500)[::50]
    var, es = tf.filtered_historical(past, 0.95)
    recent = past[:, -10:].std(axis=1)
    assert np.corrcoef(var, recent)[0, 1] > 0.8
    assert (es > var).all()


def test_constant_past_and_short_past_have_no_forecast():
    past = np.vstack(
        [np.zeros(500), np.full(500, np.nan), np.random.default_rng(0).normal(size=500)]
    )
    for forecast in tf.forecasts(past, level=0.95):
        assert np.isnan(forecast.var[:2]).all(), forecast.model
        assert forecast.es[2] >= forecast.var[2] > 0, forecast.model
