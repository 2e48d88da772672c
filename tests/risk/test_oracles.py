"""The same figures by other libraries, on a real series; each difference is in the documents."""

import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import statsmodels.api as sm
import vectorbt  # noqa: F401 - gives a series its `vbt`
from skfolio import measures
from skfolio.datasets import load_sp500_dataset

from finstrat import risk
from finstrat.risk.tail_forecast import historical

empyrical = pytest.importorskip("empyrical", reason="the extra oracles is not installed")

YEAR = 252.0
FREE = 0.0252
FALL = "2020-02-20"
"""First session of a stretch that begins with its deepest fall."""


@pytest.fixture(scope="module")
def apple():
    """Daily returns of Apple, 1990 to 2022, adjusted."""
    return load_sp500_dataset()["AAPL"].pct_change().dropna()


@pytest.fixture(scope="module")
def market():
    """The mean daily return of the twenty stocks."""
    return load_sp500_dataset().pct_change().dropna().mean(axis=1)


@pytest.fixture(scope="module")
def figures(apple, market):
    """Ours, by a short name."""
    r = apple.to_numpy()
    growth = risk.cagr(r, first=apple.index[0].date(), last=apple.index[-1].date())
    made = {
        "total": risk.total_return(r),
        "growth": growth,
        "volatility": risk.volatility(r, periods_per_year=YEAR),
        "sharpe": risk.sharpe(r, periods_per_year=YEAR, risk_free=FREE),
        "sortino": risk.sortino(r, periods_per_year=YEAR, risk_free=FREE),
        "omega": risk.omega(r),
        "drawdown": risk.max_drawdown(r),
        "calmar": risk.calmar(growth, risk.max_drawdown(r)),
        "tail": risk.tail_ratio(r),
        "var": risk.value_at_risk(r),
        "es": risk.expected_shortfall(r),
        "skewness": risk.skewness(r),
        "kurtosis": risk.excess_kurtosis(r),
        "up": risk.up_capture(r, market.to_numpy()),
        "down": risk.down_capture(r, market.to_numpy()),
    }
    exposure = risk.benchmark_exposure(r, market.to_numpy(), periods_per_year=YEAR)
    made |= {"beta": exposure.beta, "alpha": exposure.alpha, "hits": risk.hit_rate(r)}
    made["fall"] = risk.max_drawdown(apple.loc[FALL:].to_numpy())
    low, high = exposure.alpha.ci
    error = (high - low) / 2 / NormalDist().inv_cdf(0.95)
    return {name: figure.value for name, figure in made.items()} | {"error": error}


SAME = {
    "total": lambda r, _: empyrical.cum_returns_final(r),
    "volatility": lambda r, _: empyrical.annual_volatility(r),
    "sharpe": lambda r, _: empyrical.sharpe_ratio(r, risk_free=FREE / YEAR),
    "sortino": lambda r, _: empyrical.sortino_ratio(r, required_return=FREE / YEAR),
    "omega": lambda r, _: empyrical.omega_ratio(r),
    "drawdown": lambda r, _: empyrical.max_drawdown(r),
    "tail": lambda r, _: empyrical.tail_ratio(r),
    "beta": empyrical.beta,
    "es": lambda r, _: measures.cvar(r.to_numpy(), beta=0.95),
    "var": lambda r, _: measures.value_at_risk(r.to_numpy(), beta=0.95),
    "skewness": lambda r, _: measures.skew(r.to_numpy()),
}

OTHER = {
    "growth, empyrical": ("growth", lambda r, _: empyrical.annual_return(r)),
    "calmar, empyrical": ("calmar", lambda r, _: empyrical.calmar_ratio(r)),
    "var, empyrical": ("var", lambda r, _: -empyrical.value_at_risk(r, 0.05)),
    "es, empyrical": ("es", lambda r, _: -empyrical.conditional_value_at_risk(r, 0.05)),
    "alpha, empyrical": ("alpha", empyrical.alpha),
    "up, empyrical": ("up", empyrical.up_capture),
    "down, empyrical": ("down", empyrical.down_capture),
    "kurtosis, skfolio": ("kurtosis", lambda r, _: measures.kurtosis(r.to_numpy())),
    "drawdown, skfolio": ("drawdown", lambda r, _: -measures.max_drawdown(r.to_numpy())),
    "skewness, pandas": ("skewness", lambda r, _: r.skew()),
    "kurtosis, pandas": ("kurtosis", lambda r, _: r.kurt()),
    "fall, vectorbt": ("fall", lambda r, _: r.loc[FALL:].vbt.returns.max_drawdown()),
    "error, statsmodels": (
        "error",
        lambda r, b: sm.OLS(r, sm.add_constant(b)).fit().bse.iloc[0] * YEAR,
    ),
    "hits, pandas": ("hits", lambda r, _: (r > 0).mean()),
    "sortino, skfolio": ("sortino", lambda r, _: _sortino_by_skfolio(r.to_numpy())),
}
"""By the names that `docs/conventions.md` lists."""


def _sortino_by_skfolio(r):
    target = FREE / YEAR
    below = measures.semi_deviation(r, min_acceptable_return=target)
    return (r.mean() - target) / below * YEAR**0.5


@pytest.mark.parametrize("name", SAME)
def test_where_conventions_coincide_figures_agree(name, figures, apple, market):
    assert float(SAME[name](apple, market)) == pytest.approx(figures[name], rel=1e-10)


def test_every_listed_difference_exists_and_has_the_stated_size(figures, apple, market):
    page = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+, \w+) \| ([-\d.]+) \| ([-\d.]+) \|", page, flags=re.MULTILINE)
    listed = {name: (own, other) for name, own, other in rows}
    assert set(listed) == set(OTHER)
    for name, (key, by) in OTHER.items():
        own, other = figures[key], float(by(apple, market))
        assert own != pytest.approx(other, rel=1e-7)
        assert listed[name] == (f"{own:.6f}", f"{other:.6f}")


def test_alpha_and_its_interval_are_those_of_statsmodels(apple, market):
    r, b = apple.to_numpy(), market.to_numpy()
    made = risk.benchmark_exposure(r, b, periods_per_year=YEAR, risk_free=FREE)
    lags = int(4 * (len(r) / 100) ** (2 / 9))
    fit = sm.OLS(r - FREE / YEAR, sm.add_constant(b - FREE / YEAR)).fit()
    robust = fit.get_robustcov_results("HAC", maxlags=lags, use_t=False)
    assert made.alpha.value == pytest.approx(robust.params[0] * YEAR, rel=1e-10)
    assert made.alpha.ci == pytest.approx(robust.conf_int(0.10)[0] * YEAR, rel=1e-10)
    assert made.beta.ci == pytest.approx(robust.conf_int(0.10)[1], rel=1e-10)


def test_historical_forecast_is_skfolios_measure_of_the_window(apple):
    window = apple.to_numpy()[-500:]
    var, es = historical(window[None, :], 0.95)
    assert var[0] == pytest.approx(measures.value_at_risk(window, beta=0.95), rel=1e-10)
    assert es[0] == pytest.approx(measures.cvar(window, beta=0.95), rel=1e-10)


def test_drawdowns_are_skfolios_once_its_first_high_is_the_capital(apple):
    r = apple.to_numpy()[apple.to_numpy().argmin() :][:250]
    theirs = measures.get_drawdowns(np.concatenate([[0.0], r]), compounded=True)[1:]
    assert risk.drawdowns(r) == pytest.approx(theirs, rel=1e-10, abs=1e-12)
