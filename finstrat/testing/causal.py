"""`assert_causal`: the causality check as an assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.testing.synthetic import synthetic_market
from finstrat.validate.causality import Report, World, check

if TYPE_CHECKING:
    from finstrat.components import Component


def assert_causal(component: Component, on: World | None = None, *, seconds: float = 2.0) -> Report:
    """The report of the causality check of `component`, which must have passed.

    `on` is the market it is tried on, by default the synthetic one. A check that could not decide
    is no pass: give it data on which the component says something.

    Raises:
        AssertionError: it failed or was inconclusive; the message is the report.
    """
    __tracebackhide__ = True
    report = check(component, on or synthetic_market(), seconds=seconds)
    if report.outcome != "passed":
        raise AssertionError(str(report))
    return report
