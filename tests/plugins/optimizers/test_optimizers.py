import warnings
from dataclasses import replace

import cvxpy
import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.optimizers.black_litterman import BlackLitterman
from finstrat_plugins.optimizers.clusters import (
    HierarchicalEqualRisk,
    HierarchicalRiskParity,
    NestedClusters,
)
from finstrat_plugins.optimizers.entropy_pooling import EntropyPooling
from finstrat_plugins.optimizers.equal import Equal
from finstrat_plugins.optimizers.inverse_volatility import InverseVolatility, capped
from finstrat_plugins.optimizers.max_diversification import MaxDiversification
from finstrat_plugins.optimizers.mean_variance import MeanVariance
from finstrat_plugins.optimizers.min_tail_risk import MinTailRisk
from finstrat_plugins.optimizers.min_variance import MinVariance
from finstrat_plugins.optimizers.risk_parity import RiskParity
from finstrat_plugins.optimizers.robust import RobustMeanVariance, RobustTailRisk
from finstrat_plugins.optimizers.tracking_error import TrackingError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from finstrat.errors import ConfigError, PluginError, UnsolvedError
from finstrat.portfolio.alpha import expected, residual_volatility
from finstrat.portfolio.covariance import covariance
from finstrat.portfolio.fallback import Chain
from finstrat.portfolio.frontier import highest_ratio
from finstrat.portfolio.problem import Constraints, Problem


def problem(returns, **limits):
    names = tuple(f"A{i}" for i in range(returns.shape[1]))
    return Problem(np.datetime64("2020-01-02"), names, returns, Constraints(**limits))


RETURNS = np.random.default_rng(1).normal(0, [0.01, 0.02, 0.04], (400, 3))


def test_equal_leaves_in_cash_what_a_cap_forbids():
    np.testing.assert_allclose(Equal().solve(problem(RETURNS)), 1 / 3)
    np.testing.assert_allclose(Equal().solve(problem(RETURNS, max_weight=0.2)), 0.2)


def test_inverse_volatility_is_the_closed_form():
    inverse = 1 / RETURNS.std(axis=0, ddof=1)
    weights = InverseVolatility().solve(problem(RETURNS))
    np.testing.assert_allclose(weights, inverse / inverse.sum())


@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.floats(0.1, 2), st.floats(0.05, 1))
def test_capped_weights_keep_total_and_cap(raw, total, cap):
    raw = np.array(raw)
    weights = capped(raw, total=total, cap=cap)
    assert (weights <= cap + 1e-12).all()
    expected = min(total, cap * (raw > 0).sum())
    assert weights.sum() == pytest.approx(expected, abs=1e-9)


def test_min_variance_meets_the_first_order_conditions():
    from skfolio.moments import LedoitWolf

    weights = MinVariance().solve(problem(RETURNS))
    sigma = LedoitWolf().fit(RETURNS).covariance_
    slope = sigma @ weights
    held = weights > 1e-6
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(slope[held], slope[held].mean(), rtol=1e-9)
    assert (slope[~held] >= slope[held].mean() * (1 - 1e-9)).all()


@pytest.fixture(scope="module")
def real():
    """A year of returns of twenty stocks."""
    from skfolio.datasets import load_sp500_dataset

    return load_sp500_dataset().loc["2020-12":"2021-12"].pct_change().iloc[1:253].to_numpy()


TIGHT = {"solver_params": {"tol_gap_abs": 1e-14, "tol_gap_rel": 1e-14, "tol_feas": 1e-12}}


def by_skfolio(model, returns):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(model.fit(returns).weights_)


def shrunk():
    from skfolio.moments import LedoitWolf
    from skfolio.prior import EmpiricalPrior

    return {"prior_estimator": EmpiricalPrior(covariance_estimator=LedoitWolf())}


@pytest.mark.parametrize("limits", [{}, {"max_weight": 0.12}, {"gross": 0.8}])
def test_min_variance_is_skfolios(real, limits):
    from skfolio.optimization import MeanRisk

    cap, budget = limits.get("max_weight", 1.0), limits.get("gross", 1.0)
    model = MeanRisk(budget=budget, max_weights=min(cap, budget), **shrunk(), **TIGHT)
    weights = MinVariance().solve(problem(real, **limits))
    np.testing.assert_allclose(weights, by_skfolio(model, real), atol=1e-5)


def test_min_variance_with_limited_shorts_is_skfolios(real):
    from skfolio.optimization import MeanRisk

    bounds = {"min_weights": -0.3, "max_weights": 0.3, "max_short": 0.2}
    model = MeanRisk(**bounds, **shrunk(), **TIGHT)
    limits = {"long_only": False, "gross": 1.4, "net": (0, 1), "max_weight": 0.3}
    weights = MinVariance().solve(problem(real, **limits))
    np.testing.assert_allclose(weights, by_skfolio(model, real), atol=1e-4)
    assert np.abs(weights).sum() <= 1.4 + 1e-9


def test_mean_variance_meets_the_first_order_conditions_of_utility(real):
    from skfolio.moments import LedoitWolf

    alpha = real.mean(axis=0)
    sigma = LedoitWolf().fit(real).covariance_
    mu = expected(alpha, residual_volatility(real), ic=0.1)
    declared = MeanVariance({"ic": 0.1, "risk_aversion": 3.0})
    weights = declared.solve(replace(problem(real), alpha=alpha))
    gradient = mu - 3.0 * sigma @ weights
    held = weights > 1e-9
    np.testing.assert_allclose(gradient[held], gradient[held].mean(), rtol=1e-8)
    assert (gradient[~held] <= gradient[held].mean() + 1e-12).all()
    # Views are taken as they are; over a longer horizon risk grows as fast as they do.
    measured = MeanVariance({"risk_aversion": 3.0})
    views = replace(problem(real), views=mu * 21, horizon=21)
    np.testing.assert_allclose(measured.solve(views), weights, atol=1e-9)
    # An alpha that has shown nothing yet is no reason to take risk.
    unproven = replace(problem(real), alpha=alpha)
    np.testing.assert_allclose(measured.solve(unproven), MinVariance().solve(unproven))


def test_black_litterman_is_skfolios(real):
    from skfolio.moments import EquilibriumMu, LedoitWolf
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import BlackLitterman as Prior
    from skfolio.prior import EmpiricalPrior

    mu = expected(real.mean(axis=0), residual_volatility(real), ic=0.1)
    given = replace(problem(real), views=mu, confidence=0.6)
    weights = BlackLitterman({"risk_aversion": 3.0}).solve(given)
    prior = Prior(
        views=[
            f"{name} == {value!r}" for name, value in zip(given.assets, mu.tolist(), strict=True)
        ],
        tau=0.05,
        view_confidences=[0.6] * len(mu),
        prior_estimator=EmpiricalPrior(
            covariance_estimator=LedoitWolf(),
            mu_estimator=EquilibriumMu(risk_aversion=3.0, covariance_estimator=LedoitWolf()),
        ),
    )
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
        risk_aversion=1.5,
        prior_estimator=prior,
        **TIGHT,
    )
    frame = pd.DataFrame(real, columns=list(given.assets))
    np.testing.assert_allclose(weights, by_skfolio(model, frame), atol=1e-5)


def test_black_litterman_without_a_view_holds_the_benchmark(real):
    np.testing.assert_allclose(BlackLitterman().solve(problem(real)), 1 / real.shape[1])
    benchmark = np.random.default_rng(0).dirichlet(np.ones(real.shape[1]))
    given = replace(problem(real), benchmark=benchmark)
    np.testing.assert_allclose(BlackLitterman().solve(given), benchmark, atol=1e-10)


def test_mean_variance_without_an_expectation_is_refused(real):
    with pytest.raises(PluginError, match="the strategy gives no alpha"):
        MeanVariance().solve(problem(real))


def test_risk_parity_is_skfolios(real):
    from skfolio.optimization import RiskBudgeting

    weights = RiskParity().solve(problem(real))
    np.testing.assert_allclose(weights, by_skfolio(RiskBudgeting(**shrunk()), real), atol=1e-4)
    capped_weights = RiskParity().solve(problem(real, max_weight=0.05, gross=0.9))
    assert capped_weights.max() <= 0.05 + 1e-12
    assert capped_weights.sum() == pytest.approx(0.9)


def test_risk_budgets_are_kept_by_name(real):
    weights = RiskParity({"budgets": {"A0": 3.0}}).solve(problem(real))
    sigma = shrunk()["prior_estimator"].fit(real).return_distribution_.covariance
    share = weights * (sigma @ weights)
    np.testing.assert_allclose(share[0], 3 * share[1], rtol=1e-6)
    with pytest.raises(ConfigError, match=r"optimizer\.budgets\.A0"):
        RiskParity({"budgets": {"A0": 0.0}}).solve(problem(real))


def skfolio_models():
    from skfolio import RiskMeasure
    from skfolio import optimization as models

    inner = {"inner_estimator": models.MeanRisk(), "outer_estimator": models.MeanRisk()}
    yield MaxDiversification(), models.MaximumDiversification(**shrunk())
    for name in ("cvar", "cdar", "evar"):
        model = models.MeanRisk(risk_measure=RiskMeasure[name.upper()])
        yield MinTailRisk({"measure": name}), model
    yield HierarchicalRiskParity(), models.HierarchicalRiskParity()
    yield HierarchicalEqualRisk(), models.HierarchicalEqualRiskContribution()
    yield NestedClusters(), models.NestedClustersOptimization(**inner)


def test_thin_covers_give_skfolios_own_weights(real):
    for optimizer, model in skfolio_models():
        weights = optimizer.solve(problem(real))
        np.testing.assert_allclose(
            weights, by_skfolio(model, real), atol=1e-9, err_msg=optimizer.name
        )
        assert weights.sum() == pytest.approx(1, abs=1e-6)


def test_thin_covers_keep_the_limits(real):
    limited = problem(real, gross=0.9, max_weight=0.1)
    for optimizer, _ in skfolio_models():
        weights = optimizer.solve(limited)
        limited.constraints.check(weights, limited.assets, where=optimizer.name)
        assert weights.sum() == pytest.approx(0.9, abs=1e-6)
        assert optimizer.solve(problem(real[:, :1]))[0] == 1.0


@pytest.mark.parametrize(
    "optimizer",
    [
        *(Equal(), InverseVolatility(), MinVariance(), RiskParity(), MaxDiversification()),
        *(MinTailRisk(), HierarchicalRiskParity(), HierarchicalEqualRisk(), NestedClusters()),
    ],
    ids=lambda each: each.name,
)
def test_many_problems_are_solved_as_each_alone(optimizer):
    problems = [problem(RETURNS[:300]), problem(RETURNS[100:])]
    for together, alone in zip(optimizer.solve_many(problems), problems, strict=True):
        np.testing.assert_allclose(together, optimizer.solve(alone), atol=1e-12)


def test_weights_beyond_a_bound_are_refused_by_name():
    with pytest.raises(PluginError, match=r"the weight of B is 0\.9"):
        Constraints(max_weight=0.5).check(np.array([0.1, 0.9]), ("A", "B"), where="test")
    with pytest.raises(PluginError, match="gross exposure"):
        Constraints().check(np.array([0.6, 0.6]), ("A", "B"), where="test")


ALL_LIMITS = {
    "groups": {"first": {"assets": ["A0", "A1", "A2", "A3"], "low": 0.1, "high": 0.2}},
    "by_name": {"A5": (0.05, 0.1)},
    "turnover": 0.9,
    "tracking": 0.1,
    "min_trade": 0.01,
    "cardinality": 12,
    "max_weight": 0.2,
}


def every_optimizer():
    yield from (Equal(), InverseVolatility(), MinVariance(), RiskParity(), BlackLitterman())
    yield MeanVariance({"ic": 0.1})
    yield from (TrackingError(), EntropyPooling(), RobustMeanVariance())
    yield from (optimizer for optimizer, _ in skfolio_models())


def test_every_optimizer_keeps_every_limit_on_real_prices(real):
    even = np.full(real.shape[1], 1 / real.shape[1])
    given = replace(
        problem(real, **ALL_LIMITS), current=even, benchmark=even, alpha=real.mean(axis=0)
    )
    for optimizer in every_optimizer():
        (answer,) = Chain(optimizer).answers([given])
        assert answer.reasons == (), optimizer.name
        assert given.broken(answer.weights) == [], optimizer.name


def test_quadratic_optimizers_are_best_within_further_limits(real):
    """Against the same problem as skfolio poses it."""
    from skfolio.optimization import MeanRisk

    limits = {"groups": {"g": {"assets": ["A0", "A1", "A9"], "high": 0.1}}, "turnover": 0.5}
    even = np.full(20, 0.05)
    given = replace(problem(real, **limits), current=even)
    weights = MinVariance().solve(given)
    model = MeanRisk(
        linear_constraints=["A0 + A1 + A9 <= 0.1"],
        previous_weights=even,
        add_constraints=lambda w: [cvxpy.norm1(w - even) <= 0.5],
        **shrunk(),
        **TIGHT,
    )
    frame = pd.DataFrame(real, columns=list(given.assets))
    np.testing.assert_allclose(weights, by_skfolio(model, frame), atol=1e-5)


def test_highest_ratio_is_skfolios(real):
    from skfolio.moments import EmpiricalMu, LedoitWolf
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import EmpiricalPrior

    prior = EmpiricalPrior(mu_estimator=EmpiricalMu(), covariance_estimator=LedoitWolf())
    views = replace(problem(real, max_weight=0.3), views=real.mean(axis=0))
    weights = MeanVariance({"objective": "ratio"}).solve(views)
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        prior_estimator=prior,
        max_weights=0.3,
        **TIGHT,
    )
    np.testing.assert_allclose(weights, by_skfolio(model, real), atol=1e-5)


def test_highest_ratio_of_two_uncorrelated_assets_is_the_closed_form():
    mean, sigma = np.array([0.02, 0.01]), np.diag([0.04, 0.01])

    def least(part):
        free = np.linalg.solve(sigma, np.column_stack([part * mean, np.ones(2)]))
        return free[:, 0] + free[:, 1] * (1 - free[:, 0].sum()) / free[:, 1].sum()

    # w ∝ Σ⁻¹μ
    np.testing.assert_allclose(highest_ratio(least, mean, sigma), [1 / 3, 2 / 3], atol=1e-10)


def test_nothing_expected_above_zero_has_no_ratio(real):
    given = replace(problem(real), views=np.full(real.shape[1], -0.01))
    with pytest.raises(UnsolvedError, match="above 0"):
        MeanVariance({"objective": "ratio"}).solve(given)


def test_tracking_error_is_skfolios(real):
    from skfolio.optimization import BenchmarkTracker

    benchmark = np.random.default_rng(0).dirichlet(np.ones(real.shape[1]))
    given = replace(problem(real, max_weight=0.08), benchmark=benchmark)
    weights = TrackingError({"covariance": "sample"}).solve(given)
    model = BenchmarkTracker(max_weights=0.08, **TIGHT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(model.fit(real, real @ benchmark).weights_)
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    free = replace(given, constraints=Constraints())
    np.testing.assert_allclose(TrackingError().solve(free), benchmark, atol=1e-9)


def test_few_names_replicate_the_benchmark(real):
    even = np.full(real.shape[1], 1 / real.shape[1])
    given = replace(problem(real, cardinality=8), benchmark=even)
    weights = TrackingError().solve(given)
    assert given.broken(weights) == []
    assert weights.sum() == pytest.approx(1.0, abs=1e-8)
    largest = np.where(np.arange(20) < 8, 1 / 8, 0.0)
    assert given.tracking_error(weights) < given.tracking_error(largest)


def test_trading_costs_are_weighed_as_skfolio_weighs_them(real):
    from skfolio.moments import EmpiricalMu, LedoitWolf
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import EmpiricalPrior

    even = np.full(real.shape[1], 1 / real.shape[1])
    given = replace(
        problem(real),
        views=real.mean(axis=0),
        current=even,
        costs=np.linspace(0.0002, 0.001, real.shape[1]),
    )
    careful = MeanVariance({"cost_aversion": 1.0, "risk_aversion": 3.0})
    assert careful.uses_current
    weights = careful.solve(given)
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
        risk_aversion=1.5,
        prior_estimator=EmpiricalPrior(
            mu_estimator=EmpiricalMu(), covariance_estimator=LedoitWolf()
        ),
        transaction_costs=given.costs,
        previous_weights=even,
        **TIGHT,
    )
    np.testing.assert_allclose(weights, by_skfolio(model, real), atol=1e-5)
    careless = MeanVariance({"risk_aversion": 3.0}).solve(given)
    assert np.abs(weights - even).sum() < np.abs(careless - even).sum()


def test_impact_keeps_trades_small_and_what_is_unknown_untraded(real):
    even = np.full(real.shape[1], 1 / real.shape[1])
    steep = np.full(real.shape[1], 0.001)
    steep[4] = np.nan
    given = replace(problem(real), views=real.mean(axis=0), current=even, impact=steep)
    weights = BlackLitterman({"cost_aversion": 1.0}).solve(replace(given, confidence=0.5))
    assert weights[4] == even[4]
    mean = MeanVariance({"cost_aversion": 1.0}).solve(given)
    more = MeanVariance({"cost_aversion": 5.0}).solve(given)
    assert np.abs(more - even).sum() < np.abs(mean - even).sum()


def test_costs_beside_a_ratio_are_refused():
    with pytest.raises(ValidationError, match="cost_aversion goes with"):
        MeanVariance({"objective": "ratio", "cost_aversion": 1.0})


def test_entropy_pooling_is_skfolios(real):
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import EntropyPooling as Prior

    views = np.linspace(-1, 1, real.shape[1]) * 1e-3
    given = replace(problem(real), views=views, confidence=0.6)
    weights = EntropyPooling({"risk_aversion": 3.0}).solve(given)
    names = [f"x{i}" for i in range(real.shape[1])]
    means = real.mean() + 0.6 * views
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
        risk_aversion=1.5,
        prior_estimator=Prior(
            mean_views=[f"{n} == {m!r}" for n, m in zip(names, means.tolist(), strict=True)]
        ),
    )
    expected = by_skfolio(model, pd.DataFrame(real, columns=names))
    np.testing.assert_allclose(weights, expected, atol=1e-9)
    unproven = EntropyPooling().solve(problem(real))
    np.testing.assert_allclose(unproven, by_skfolio(MeanRisk(), real), atol=1e-9)


def test_views_that_no_weighting_has_are_unsolved(real):
    given = replace(problem(real), views=np.full(real.shape[1], 0.5), confidence=1.0)
    with pytest.raises(UnsolvedError, match="skfolio"):
        EntropyPooling().solve(given)


@pytest.mark.parametrize("estimator", ["denoised", "single-factor", "ewma", "oas"])
def test_covariances_are_skfolios(real, estimator):
    from skfolio.moments import OAS, DenoiseCovariance
    from skfolio.prior import EmpiricalPrior, LoadingMatrixRegression, TimeSeriesFactorModel
    from sklearn.linear_model import LinearRegression

    found = covariance(real, estimator=estimator)
    if estimator == "single-factor":
        factors = pd.DataFrame({"market": real.mean(axis=1)})
        model = TimeSeriesFactorModel(
            loading_matrix_estimator=LoadingMatrixRegression(linear_regressor=LinearRegression()),
            factor_prior_estimator=EmpiricalPrior(),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.DataFrame(real)
            frame.columns = [f"a{i}" for i in frame]
            expected = model.fit(frame, factors=factors).return_distribution_.covariance
        # skfolio divides the residuals' squares by n - 1.
        np.testing.assert_allclose(found, expected, rtol=1e-2)
        off = ~np.eye(len(found), dtype=bool)
        np.testing.assert_allclose(found[off], expected[off], rtol=1e-9)
        return
    models = {"denoised": DenoiseCovariance(), "oas": OAS()}
    if estimator == "ewma":
        weights = 0.5 ** (np.arange(len(real))[::-1] / 63)
        expected = np.cov(real.T, aweights=weights)
    else:
        expected = models[estimator].fit(real).covariance_
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.linalg.eigvalsh(found).min() > 0


def test_robust_portfolios_are_skfolios(real):
    from skfolio.optimization import DistributionallyRobustCVaR, MeanRisk, ObjectiveFunction
    from skfolio.uncertainty_set import EmpiricalMuUncertaintySet

    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
        risk_aversion=2.5,
        mu_uncertainty_set_estimator=EmpiricalMuUncertaintySet(confidence_level=0.95),
    )
    weights = RobustMeanVariance().solve(problem(real))
    np.testing.assert_allclose(weights, by_skfolio(model, real), atol=1e-9)
    few = np.ascontiguousarray(real[:60, :4])
    weights = RobustTailRisk({"window": 60}).solve(problem(few))
    expected = by_skfolio(DistributionallyRobustCVaR(), few)
    np.testing.assert_allclose(weights, expected, atol=1e-9)
