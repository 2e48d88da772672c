import numpy as np
import pytest
from scipy import stats

from finstrat.risk.tail_backtest import record
from finstrat.risk.tail_forecast import Forecast


def normal_forecast(n, *, level, sigma=0.01):
    z = stats.norm.ppf(level)
    es = sigma * stats.norm.pdf(z) / (1 - level)
    return Forecast("normal", level, np.full(n, sigma * z), np.full(n, es))


def with_breaches(places, n=1001, loss=-0.05):
    returns = np.zeros(n)
    returns[np.asarray(places) + 1] = loss
    return returns


def test_kupiec_by_hand():
    returns = with_breaches(np.arange(0, 1000, 15))
    found = record(normal_forecast(1001, level=0.95), returns)
    x, n, p = 67, 1000, 0.05
    ratio = 2 * (
        x * np.log(x / n) + (n - x) * np.log(1 - x / n) - x * np.log(p) - (n - x) * np.log(1 - p)
    )
    assert found.breach_rate.value == pytest.approx(0.067)
    assert found.kupiec.value == pytest.approx(stats.chi2.sf(ratio, 1))


def test_breaches_that_follow_each_other_are_found():
    spread = record(normal_forecast(1001, level=0.95), with_breaches(np.arange(0, 1000, 20)))
    clustered = record(normal_forecast(1001, level=0.95), with_breaches(np.arange(500, 550)))
    assert spread.kupiec.value == pytest.approx(1.0)
    assert clustered.kupiec.value == pytest.approx(1.0)
    assert clustered.independence.value < 1e-6
    assert clustered.coverage.value < 1e-6 < spread.coverage.value


def test_losses_beyond_the_shortfall_are_found():
    forecast = normal_forecast(1001, level=0.95)
    places = np.arange(0, 1000, 20)
    right = record(forecast, with_breaches(places, loss=-forecast.es[0]))
    worse = record(forecast, with_breaches(places, loss=-3 * forecast.es[0]))
    assert right.shortfall.value == pytest.approx(0.5, abs=1e-6)
    assert worse.shortfall.value < 0.01


def test_true_model_is_rejected_at_its_nominal_rate():
    rejected = []
    for seed in range(200):
        returns = np.random.default_rng(seed).normal(0, 0.01, 1001)
        found = record(normal_forecast(1001, level=0.95), returns)
        rejected.append(
            [f.value < 0.05 for f in (found.kupiec, found.independence, found.shortfall)]
        )
    # Binomial(200, 0.05) exceeds 20 about once in 1,000.
    assert (np.sum(rejected, axis=0) <= 20).all()


def test_forecast_is_judged_by_the_next_return_not_by_its_own():
    returns = np.zeros(1001)
    returns[0] = -1.0
    assert record(normal_forecast(1001, level=0.95), returns).breach_rate.value == 0.0


def test_too_few_expected_breaches_are_null_with_the_reason():
    found = record(normal_forecast(61, level=0.95), np.zeros(61))
    assert found.kupiec.value is None
    assert "60 forecasts let one expect 3.0 breaches" in found.kupiec.reason_if_null


@pytest.mark.parametrize(("count", "light"), [(4, "green"), (5, "yellow"), (10, "red")])
def test_traffic_light_counts_the_last_250_sessions_at_99_percent(count, light):
    returns = with_breaches(np.arange(1000 - count, 1000))
    assert record(normal_forecast(1001, level=0.99), returns).light == light
    assert record(normal_forecast(1001, level=0.95), returns).light is None
