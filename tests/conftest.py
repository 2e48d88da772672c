"""A small project on disk: three assets, a quarter of real sessions, one backtest."""

import textwrap

import numpy as np
import pandas as pd
import pytest

PROJECT = """
[project]
name = "small"
plugins = ["plugins"]
"""

BACKTEST = """
name = "small"

[span]
start = 2024-02-01
end = 2024-03-28

[prices]
use = "files-prices"
path = "prices.csv"

[signals.momentum]
use = "momentum"
window = 5
skip = 0

[strategy]
use = "top-k"
signal = "momentum.value"
k = 1
rebalance = "weekly"

[optimizer]
use = "equal"

[execution]
fill = "next-close"
"""


def write_project(root):
    """Write the small project under `root`; relative paths in it start there."""
    (root / "plugins").mkdir(parents=True)
    (root / "backtests").mkdir()
    (root / "finstrat.toml").write_text(PROJECT.lstrip())
    (root / "backtests" / "small.toml").write_text(BACKTEST.lstrip())
    days = pd.bdate_range("2024-01-02", "2024-03-28")
    # The exchange's holidays in that quarter.
    days = days.drop(pd.to_datetime(["2024-01-15", "2024-02-19"]))
    moves = np.random.default_rng(7).normal(0, 0.01, (len(days), 3))
    close = pd.DataFrame(100 * np.exp(moves.cumsum(axis=0)), index=days, columns=["A", "B", "C"])
    long = close.rename_axis("date").reset_index().melt("date", var_name="asset")
    long.rename(columns={"value": "close"}).to_csv(root / "prices.csv", index=False)
    return root


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The small project, which is also the current directory."""
    root = write_project(tmp_path / "small")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def shared_project(tmp_path_factory):
    """The small project, made once; for tests that only add to it."""
    return write_project(tmp_path_factory.mktemp("shared") / "small")


@pytest.fixture
def plugin(tmp_path):
    """Writes a plugin file and returns its directory; `hook` lists the named components."""

    def write(file, source, *, hook=()):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "import finstrat\nfrom finstrat.components import *\n" + textwrap.dedent(source)
        if hook:
            text += "\n\n@finstrat.hookimpl\ndef finstrat_components():\n"
            text += f"    return [{', '.join(hook)}]\n"
        path.write_text(text)
        return path.parent

    return write
