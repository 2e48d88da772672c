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
from finstrat_plugins.optimizers.equal import Equal
from finstrat_plugins.optimizers.inverse_volatility import InverseVolatility, capped
from finstrat_plugins.optimizers.max_diversification import MaxDiversification
from finstrat_plugins.optimizers.mean_variance import MeanVariance
from finstrat_plugins.optimizers.min_tail_risk import MinTailRisk
from finstrat_plugins.optimizers.min_variance import MinVariance
from finstrat_plugins.optimizers.risk_parity import RiskParity
from hypothesis import given
from hypothesis import strategies as st

from finstrat.errors import ConfigError, PluginError
from finstrat.portfolio.alpha import expected, residual_volatility
from finstrat.portfolio.fallback import Chain
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
