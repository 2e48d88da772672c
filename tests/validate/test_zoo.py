"""The leak zoo: every planted leak is caught, by the part meant for it; nobody else is accused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finstrat.components import base_of
from finstrat.host import Host
from finstrat.testing import synthetic_market
from finstrat.validate.causality import check

ZOO = Host.load([Path(__file__).parent / "zoo"], blocked=["bundled", "strategies"])
ANIMALS = [each.component for each in ZOO.all()]
LEAKY = [each for each in ANIMALS if hasattr(each, "caught_by")]
HONEST = [each for each in ANIMALS if not hasattr(each, "caught_by")]


def named(component):
    return component.name


@pytest.fixture(scope="module")
def market():
    return synthetic_market()


@pytest.fixture(scope="module")
def files(market, tmp_path_factory):
    """What the sources of the zoo read: filings, prices and posts with the stamps of the trade."""
    folder = tmp_path_factory.mktemp("files")
    eps = market.facts.frame.query("item == 'eps'")
    eps = eps.rename(columns={"known_at": "accepted"}).drop(columns="version")
    eps.to_csv(folder / "filings.csv", index=False)
    long = market.panel["close"].rename_axis("date").reset_index().melt("date", var_name="asset")
    long.rename(columns={"value": "close"}).dropna().to_csv(folder / "prices.csv", index=False)
    posts = market.documents.frame()[["id", "asset", "known_at", "text"]]
    posts = posts.rename(columns={"known_at": "created_at"})
    posts["likes"] = np.random.default_rng(0).integers(1, 900, len(posts))
    posts["crawled_at"] = posts["created_at"] + pd.Timedelta(days=90)
    posts.to_csv(folder / "posts.csv", index=False)
    posts.drop(columns=["likes", "crawled_at"]).to_csv(folder / "plain_posts.csv", index=False)
    return folder


FILES = {"filings": "filings.csv", "prices": "prices.csv", "survivors": "prices.csv"} | {
    "posts": "plain_posts.csv",
    "popular-posts": "posts.csv",
    "likes-in-text": "posts.csv",
}


def examined(component, market, files):
    options = {}
    if "path" in component.Config.model_fields:
        kind = component.name.rpartition("-")[2]
        options["path"] = files / FILES.get(component.name, FILES.get(kind, ""))
    return check(component(options), market, seconds=0.0)


def test_the_zoo_is_as_large_as_it_should_be():
    assert ZOO.failures == []
    assert len(LEAKY) >= 16
    assert len(HONEST) >= 16
    assert len({base_of(each) for each in LEAKY}) == len({base_of(each) for each in HONEST}) == 6


@pytest.mark.parametrize("component", LEAKY, ids=named)
def test_a_leak_is_caught_by_the_part_meant_for_it(component, market, files):
    report = examined(component, market, files)
    assert report.outcome == "failed", str(report)
    caught = {each.name: each for each in report.failures}
    assert component.caught_by in caught, str(report)
    if component.caught_by != "contract":
        change = caught[component.caught_by].change
        assert change.before != change.after
        assert change.at


@pytest.mark.parametrize("component", HONEST, ids=named)
def test_nothing_honest_is_accused(component, market, files):
    report = examined(component, market, files)
    assert report.outcome == "passed", str(report)
