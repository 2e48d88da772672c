"""The figures by their definitions, written out plainly, on ten years of one real stock."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from skfolio import measures

from finstrat import risk
from finstrat.components import MarketSource
from finstrat.data import Clock, Span, Universe, align
from finstrat.host import Host
from finstrat.risk import tail_forecast

YEAR = 252
SPAN = Span(dt.date(2012, 12, 31), dt.date(2022, 12, 28))


@pytest.fixture(scope="module")
def series():
    """Apple's daily returns, and the mean of the twenty stocks of `sp500`."""
    clock = Clock.build(Universe().calendar, SPAN)
    source = Host.load().get(MarketSource, "sp500").component()
    panel = align.panel_on_sessions(source.load(Universe(), SPAN), clock)
    close = pd.DataFrame(
        panel.tensor("close").numpy(), index=pd.DatetimeIndex(panel.times), columns=panel.assets
    )
    returns = close.pct_change(fill_method=None).iloc[1:].astype(float)
    assert returns.notna().all(axis=None)
    return pd.DataFrame({"stock": returns["AAPL"], "market": returns.mean(axis=1)})


@pytest.fixture
def r(series):
    return series["stock"].to_numpy()


@pytest.fixture
def market(series):
    return series["market"].to_numpy()


def same(figure, expected):
    assert_allclose(figure.value, expected, rtol=1e-10, atol=1e-10)


def test_growth_risk_and_their_ratios_are_their_closed_forms(r):
    same(risk.total_return(r), np.exp(np.log1p(r).sum()) - 1)
    deviation = np.sqrt(((r - r.sum() / len(r)) ** 2).sum() / (len(r) - 1))
    same(risk.volatility(r, periods_per_year=YEAR), deviation * YEAR**0.5)
    same(risk.volatility(r, periods_per_year=YEAR), measures.standard_deviation(r) * YEAR**0.5)
    excess = measures.mean(r) - 0.02 / YEAR
    ratio = risk.sharpe(r, periods_per_year=YEAR, risk_free=0.02)
    same(ratio, excess / measures.standard_deviation(r) * YEAR**0.5)
    downside = measures.semi_deviation(r, min_acceptable_return=0.02 / YEAR, biased=True)
    ratio = risk.sortino(r, periods_per_year=YEAR, risk_free=0.02)
    same(ratio, excess / downside * YEAR**0.5)
    # |r| = gains + losses and r = gains − losses.
    losses = (np.abs(r).sum() - r.sum()) / 2
    same(risk.omega(r), (losses + r.sum()) / losses)


def test_drawdowns_are_those_of_a_plain_loop(r):
    value, high, depths = 1.0, 1.0, []
    for each in r:
        value *= 1 + each
        high = max(high, value)
        depths.append(value / high - 1)
    assert_allclose(risk.drawdowns(r), depths, atol=1e-12)
    same(risk.max_drawdown(r), min(depths))
    same(risk.max_drawdown(r), -measures.max_drawdown(measures.get_drawdowns(r, compounded=True)))


def test_moments_are_their_closed_forms_and_statsmodels(r):
    from statsmodels.stats.stattools import jarque_bera

    centred = r - r.mean()
    second = (centred**2).mean()
    same(risk.skewness(r), (centred**3).mean() / second**1.5)
    same(risk.excess_kurtosis(r), (centred**4).mean() / second**2 - 3)
    _, _, skew, kurtosis = jarque_bera(r)
    same(risk.skewness(r), skew)
    same(risk.excess_kurtosis(r), kurtosis - 3)


def test_historical_tail_is_the_minimum_of_rockafellar_and_uryasev(r):
    losses = np.sort(-r)[::-1]
    worst = 0.05 * len(r)
    whole = int(worst)
    same(risk.value_at_risk(r), losses[whole])
    shortfall = (losses[:whole].sum() + (worst - whole) * losses[whole]) / worst
    same(risk.expected_shortfall(r), shortfall)
    # Its definition: min over c of c + E[(L − c)+] / 5 %, which a sample reaches at a loss.
    objective = losses + np.maximum(losses[None] - losses[:, None], 0).mean(axis=1) / 0.05
    same(risk.expected_shortfall(r), objective.min())


def test_regression_and_its_hac_error_are_closed_forms_and_archs(r, market):
    from arch.covariance.kernel import Bartlett

    free = 0.02
    fit = risk.benchmark_exposure(r, market, periods_per_year=YEAR, risk_free=free)
    x, y = market - free / YEAR, r - free / YEAR
    beta = np.cov(x, y)[0, 1] / x.var(ddof=1)
    same(fit.beta, beta)
    same(fit.alpha, (y.mean() - beta * x.mean()) * YEAR)
    same(fit.correlation, stats.pearsonr(market, r).statistic)

    design = np.column_stack([np.ones(len(x)), x])
    scores = design * (y - design @ [y.mean() - beta * x.mean(), beta])[:, None]
    lags = 8  # ⌊4 (2516 / 100)^(2/9)⌋
    by_hand = scores.T @ scores
    for lag in range(1, lags + 1):
        lagged = scores[lag:].T @ scores[:-lag]
        by_hand += (1 - lag / (lags + 1)) * (lagged + lagged.T)
    by_arch = Bartlett(scores, bandwidth=lags, center=False).cov.long_run * len(x)
    inverse = np.linalg.inv(design.T @ design)
    quantile = stats.norm.ppf(0.95)
    for middle in (by_hand, np.asarray(by_arch)):
        errors = np.sqrt(np.diag(inverse @ middle @ inverse))
        low, high = fit.alpha.ci
        assert_allclose((high - low) / 2, quantile * errors[0] * YEAR, rtol=1e-9)
        low, high = fit.beta.ci
        assert_allclose((high - low) / 2, quantile * errors[1], rtol=1e-9)


def test_garch_volatility_is_archs_once_the_start_is_forgotten(r):
    from arch import arch_model

    past = np.lib.stride_tricks.sliding_window_view(r, tail_forecast.WINDOW)[::400]
    shocks = past - past.mean(axis=1, keepdims=True)
    omega, alpha, beta = np.array([[2e-6, 0.05, 0.94], [4e-5, 0.04, 0.90]] * 3).T
    ours = tail_forecast.garch_volatility(shocks, omega, alpha, beta)
    for k, own in enumerate(shocks):
        model = arch_model(own, mean="Zero", rescale=False)
        fixed = model.fix([omega[k], alpha[k], beta[k]])
        # arch starts from the first 75 shocks, faded; ours from the variance of the window.
        start = own.var()
        assert_allclose(ours[k, 0], start**0.5)
        tomorrow = fixed.forecast(horizon=1).variance.to_numpy()[-1, 0] ** 0.5
        assert_allclose(ours[k, -1], tomorrow, rtol=1e-9)
        assert_allclose(ours[k, -101:-1], fixed.conditional_volatility[-100:], rtol=1e-8)
    assert len(shocks) == len(omega)


def test_filtered_history_is_built_on_the_fit_of_arch(r):
    from arch import arch_model

    past = r[None, -tail_forecast.WINDOW :]
    shocks = past[0] - past[0].mean()
    scale = 1 / shocks.std()
    fit = arch_model(shocks * scale, mean="Zero", rescale=False).fit(disp="off")
    assert fit.convergence_flag == 0
    sigma = np.empty(len(shocks) + 1)
    sigma[0] = shocks.std()
    for k, shock in enumerate(shocks):
        omega = fit.params["omega"] / scale**2
        before = fit.params["alpha[1]"] * shock**2 + fit.params["beta[1]"] * sigma[k] ** 2
        sigma[k + 1] = (omega + before) ** 0.5
    book = past[0].mean() + shocks / sigma[:-1] * sigma[-1]
    var, es = tail_forecast.filtered_historical(past, 0.95)
    losses = np.sort(-book)
    assert_allclose(var, losses[474])
    assert_allclose(es, losses[475:].mean(), rtol=1e-10)


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_tail_of_the_pareto_law_is_scipys(r, level):
    past = np.lib.stride_tricks.sliding_window_view(r, tail_forecast.WINDOW)[::400]
    var, es = tail_forecast.extreme_value(past, level)
    for k, own in enumerate(past):
        losses = np.sort(-own)
        threshold, excess = losses[449], losses[450:] - losses[449]
        # Hosking and Wallis: the law whose mean, and mean weighted by 1 - F, are the sample's.
        shares = (np.arange(1, 51) - 0.35) / 50
        first, second = excess.mean(), (excess * (1 - shares)).mean()
        shape = 2 - first / (first - 2 * second)
        law = stats.genpareto(shape, scale=2 * first * second / (first - 2 * second))
        assert_allclose(law.mean(), first)
        weighted = law.expect(lambda x, law=law: x * law.sf(x))
        assert_allclose(weighted, second, rtol=1e-6)
        beyond = law.isf((1 - level) * 10)
        assert_allclose(var[k], threshold + beyond, rtol=1e-10)
        mean = law.expect(lambda x: x, lb=beyond, conditional=True)
        assert_allclose(es[k], threshold + mean, rtol=1e-6)
