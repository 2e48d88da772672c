"""The leak zoo in backtests on real prices, tweets and filings, put to `finstrat audit`."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

import finstrat
from finstrat.audit import audit, reopen
from finstrat.components import FactSource, MarketSource, Scorer, Signal, Strategy, TextSource
from finstrat.errors import DataError
from finstrat.host import Host
from finstrat.project import Project
from finstrat.store import load
from finstrat.text.cache import ScoreCache

FOLDER = Path(__file__).parent / "zoo"
ZOO = Host.load([FOLDER], blocked=["bundled", "strategies"])
ANIMALS = [each.component for each in ZOO.all()]
LEAKY = [each for each in ANIMALS if hasattr(each, "caught_by")]
HONEST = [each for each in ANIMALS if not hasattr(each, "caught_by")]
QUICK = {"peek", "best-window", "backfill", "same-day-news", "restated-filings", "month-ends"}

ASSETS = ["AAPL", "BABA", "BAC", "C", "FB", "GOOG", "MSFT", "T"]
"""BABA is listed within the span, on 2014-09-19."""

SPAN = {"start": "2014-06-02", "end": "2015-05-29"}

REFUSED = {"jittered-prices": "prices are something else each time they are loaded"}
"""What is refused before any check: with nothing that stays the same, nothing can be compared."""


# Statistics over too few values warn, and a run that ends early has few.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def host():
    return Host.load([FOLDER])


@pytest.fixture(scope="module")
def yard(shared_data, tmp_path_factory):
    """A project with real prices, tweets and filings as the sources of the zoo read them."""
    root = tmp_path_factory.mktemp("yard")
    (root / "stocknet").mkdir()
    prices = pd.read_parquet(shared_data / "stocknet" / "prices.parquet")
    prices = prices[prices["ticker"].isin(ASSETS) & (prices["date"] >= "2014-01-02")]
    prices.to_parquet(root / "stocknet" / "prices.parquet", index=False)
    closes = prices.rename(columns={"ticker": "asset"})[["date", "asset", "close"]]
    # As if it had been taken over: nobody in these data is ever delisted.
    closes = closes[(closes["asset"] != "C") | (closes["date"] < "2015-03-01")]
    closes.assign(date=closes["date"].astype(str).str[:10]).to_csv(root / "prices.csv", index=False)
    tweets = pd.read_parquet(shared_data / "stocknet" / "tweets.parquet")
    tweets = tweets[tweets["ticker"].isin(ASSETS)].groupby("ticker").head(3_000).iloc[::6]
    tweets.to_parquet(root / "stocknet" / "tweets.parquet", index=False)
    tweets = tweets.assign(text=tweets["text"].str.split().str.join(" "))
    posts = tweets.rename(columns={"ticker": "asset"})[["id", "asset", "created_at", "text"]]
    posts.to_csv(root / "plain_posts.csv", index=False)
    # Followers were counted when the tweets were collected, after all of them were written.
    posts.assign(likes=tweets["followers"] % 900, crawled_at="2015-12-31T00:00:00Z").to_csv(
        root / "posts.csv", index=False
    )
    _facts(shared_data, tweets).to_csv(root / "filings.csv", index=False)
    return Project(root, (), (root,), root / "runs", root / ".finstrat")


def _facts(shared_data, tweets):
    """Apple's yearly earnings a share, split and restated in 2014; and followers by the week."""
    file = shared_data / "sec" / "companyfacts" / "CIK0000320193.json.gz"
    units = json.loads(gzip.decompress(file.read_bytes()))["facts"]["us-gaap"]
    eps = pd.DataFrame(units["EarningsPerShareDiluted"]["units"]["USD/shares"])
    eps = eps[(eps["fp"] == "FY") & (eps["filed"] < "2016")]
    eps = eps.sort_values("filed").drop_duplicates(["end", "val"])
    eps = eps.assign(asset="AAPL", item="eps", accepted=eps["filed"] + "T21:30:00Z")
    eps = eps.rename(columns={"end": "period_end", "val": "value"})
    week = tweets["created_at"].dt.tz_localize(None).dt.to_period("W").dt.end_time.dt.normalize()
    counted = tweets.groupby(["ticker", week])["followers"].sum().rename("value").reset_index()
    counted = counted.rename(columns={"ticker": "asset", "created_at": "period_end"})
    counted["accepted"] = (counted["period_end"] + pd.Timedelta(days=90)).dt.strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    counted["period_end"] = counted["period_end"].dt.strftime("%Y-%m-%d")
    columns = ["asset", "item", "period_end", "value", "accepted"]
    return pd.concat([eps[columns], counted.assign(item="likes")[columns]])


def backtest_of(animal, root):
    """A backtest that trades on what this component says, by whatever suits its kind."""
    config = {
        "name": animal.name,
        "span": SPAN,
        "universe": {"assets": ASSETS},
        "market": {"benchmark": "none"},
        "prices": {"use": "stocknet-prices", "path": str(root / "stocknet")},
        "signals": {"animal": {"use": "lagged"}},
        "strategy": {"use": "top-k", "signal": "animal.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "equal"},
        "costs": {"use": "proportional", "fee_bps": 5, "slippage_bps": 5},
        "execution": {"fill": "next-close"},
    }
    tweets = {"use": "stocknet-tweets", "path": str(root / "stocknet")}
    filings = {"use": "filings", "path": str(root / "filings.csv")}
    if issubclass(animal, Signal):
        signal = {"use": animal.name}
        config["signals"] = {"animal": signal}
        if "documents" in animal.needs:
            config["documents"] = {"posts": tweets}
        if animal.name == "decayed-tone":
            config["scorers"] = {"lm-lexicon": {"use": "lm-lexicon"}}
        if "facts" in animal.needs:
            config["facts"] = {"filings": filings}
        if animal.scope == "market":
            config["strategy"] = {"use": "mood-overlay"}
        config["strategy"]["signal"] = f"animal.{animal.outputs[0]}"
    elif issubclass(animal, Strategy):
        scope = "market" if animal.name == "scaled-by-all" else "asset"
        config["signals"] = {"planted": {"use": f"planted-{scope}"}}
        config["strategy"] = {"use": animal.name}
        if animal.name in {"tomorrow", "followers"}:
            del config["optimizer"]
        if animal.name == "scaled-by-all":
            config["limits"] = {"gross": 2.0, "net": [0.0, 2.0]}
            config["execution"]["engine"] = "ledger"
            config["execution"]["margin"] = {"initial": 0.5, "maintenance": 0.25}
    elif issubclass(animal, MarketSource):
        del config["universe"]
        config["prices"] = {"use": animal.name, "path": str(root / "prices.csv")}
    elif issubclass(animal, FactSource):
        config["facts"] = {"filings": {**filings, "use": animal.name}}
        config["signals"] = {"animal": {"use": "accepted"}}
    elif issubclass(animal, TextSource):
        file = "plain_posts.csv" if animal.name == "posts" else "posts.csv"
        config["documents"] = {"posts": {"use": animal.name, "path": str(root / file)}}
        config["signals"] = {"animal": {"use": "news-by-cutoff"}}
    elif issubclass(animal, Scorer):
        config["documents"] = {"posts": tweets}
        config["signals"] = {"animal": {"use": "decayed-length", "scorer": animal.name}}
    return config


def audited(animal, yard, host):
    """The record of the audit's check of causality on a finished run of that backtest."""
    path = finstrat.run(backtest_of(animal, yard.root), project=yard, host=host).path
    with ScoreCache(yard.state / "scores.sqlite") as cache:
        case = reopen(load(path), project=yard, host=host, cache=cache)
        return audit(case, checks=["causality"])["causality"]


def stage_of(animal):
    """Where the leak lies: what reads a scorer is what shows it."""
    stages = {
        MarketSource: "prices",
        TextSource: "documents.posts",
        FactSource: "facts.filings",
        Strategy: "strategy",
    }
    return next(
        (where for base, where in stages.items() if issubclass(animal, base)), "signals.animal"
    )


def slow_unless_quick(animals):
    return [
        pytest.param(
            each,
            id=f"{each.kind}-{each.name}",
            marks=() if each.name in QUICK else pytest.mark.slow,
        )
        for each in animals
    ]


@pytest.mark.parametrize("animal", slow_unless_quick(LEAKY))
def test_audit_of_a_run_with_a_leak_refutes_it_and_says_where(animal, yard, host):
    if animal.name in REFUSED:
        with pytest.raises(DataError, match=REFUSED[animal.name]):
            audited(animal, yard, host)
        return
    record = audited(animal, yard, host)
    assert record["status"] == "fail", record["evidence"]
    assert record["stage"] == stage_of(animal)
    change = record["change"]
    assert change["before"] != change["after"]
    assert issubclass(animal, Scorer) or change["at"] < "2015-05-29"
    for said in (change["at"], change["output"], record["stage"]):
        assert said in record["evidence"]


@pytest.mark.parametrize("animal", slow_unless_quick(HONEST))
def test_audit_of_an_honest_run_refutes_nothing(animal, yard, host):
    record = audited(animal, yard, host)
    assert record["status"] == "pass", record["evidence"]
