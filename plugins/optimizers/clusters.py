"""Portfolios along a tree of assets that move together; long-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat_plugins.optimizers.by_skfolio import BySkfolio, simplex_limits

if TYPE_CHECKING:
    from finstrat.portfolio.problem import Problem


class HierarchicalRiskParity(BySkfolio):
    """Risk split by halves along the tree (López de Prado 2016), by skfolio."""

    name = "hierarchical-risk-parity"
    version = "1"
    scaled = True

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `HierarchicalRiskParity`."""
        from skfolio.optimization import HierarchicalRiskParity as Model

        return Model(**simplex_limits(problem))


class HierarchicalEqualRisk(BySkfolio):
    """Risk split evenly among clusters, then within (Raffinot 2018), by skfolio."""

    name = "hierarchical-equal-risk"
    version = "1"
    scaled = True

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `HierarchicalEqualRiskContribution`."""
        from skfolio.optimization import HierarchicalEqualRiskContribution as Model

        return Model(**simplex_limits(problem))


class NestedClusters(BySkfolio):
    """Least variance within clusters, then among them (López de Prado 2019), by skfolio.

    The outer weights are fitted on folds that the inner ones haven't seen. Weights above
    `max_weight` are cut to it, and the rest is spread over the others in proportion.
    """

    name = "nested-clusters"
    version = "1"
    scaled = True

    def model(self, problem: Problem) -> Any:  # noqa: ANN401, ARG002 - skfolio ships no types
        """The estimator `NestedClustersOptimization` of minimum-variance portfolios."""
        from skfolio.optimization import MeanRisk, NestedClustersOptimization

        return NestedClustersOptimization(
            inner_estimator=MeanRisk(), outer_estimator=MeanRisk(), n_jobs=1
        )
