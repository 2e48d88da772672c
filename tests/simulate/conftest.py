import numpy as np
import pandas as pd
import pytest

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution

NAN = np.nan


def make_panel(close, *, opens=None, assets=None):
    close = np.asarray(close, dtype=float)
    assets = assets or tuple("abcdefgh"[: close.shape[1]])
    times = np.datetime64("2024-01-01") + np.arange(len(close))
    opens = close if opens is None else np.asarray(opens, dtype=float)
    return Panel.from_fields(times, assets, {"open": opens, "close": close})


def make_targets(weights, panel, *, columns=None):
    weights = np.asarray(weights, dtype=float)
    return pd.DataFrame(weights, index=panel.index, columns=list(columns or panel.assets))


def flat_rates(panel, *, fee=0.0, slippage=0.0):
    return CostRates(np.full(panel.shape, fee), np.full(panel.shape, slippage))


@pytest.fixture(params=["vectorbt", "ledger"])
def engine(request):
    """Each engine in turn."""
    return request.param


@pytest.fixture
def account(engine):
    """Simulates an account of 1,000 without a buffer, unless told otherwise."""

    def run(weights, close, *, opens=None, fee=0.0, slippage=0.0, max_gross=1.0, **terms):
        panel = make_panel(close, opens=opens)
        terms = {
            "engine": engine,
            "fill": "next-open",
            "initial_cash": 1000.0,
            "cash_buffer": 0.0,
        } | terms
        return simulate(
            make_targets(weights, panel),
            panel,
            rates=flat_rates(panel, fee=fee, slippage=slippage),
            execution=Execution(**terms),
            max_gross=max_gross,
        )

    return run


@pytest.fixture
def tools():
    """The helpers, since test folders aren't packages."""

    class Tools:
        panel = staticmethod(make_panel)
        targets = staticmethod(make_targets)
        rates = staticmethod(flat_rates)

    return Tools
