"""`related` carries what is said of an asset's related ones over to it."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
import torch
from finstrat_plugins.signals.related import Related

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.testing import assert_causal

NAN = float("nan")
EDGES = ("2014-01-01", "2015-03-02", "2015-06-30", "2015-09-15", "2015-10-01", "2015-11-02")


def inputs(values, assets, member=None):
    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 31)))
    clock = clock.slice(0, len(values))
    close = np.ones((len(values), len(assets)))
    panel = Panel.from_fields(clock.sessions, assets, {"close": close})
    if member is not None:
        panel = replace(panel, member=np.asarray(member))
    return Inputs(
        panel=panel,
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        features={"news.tone": torch.tensor(values, dtype=torch.float64)},
    )


@pytest.fixture
def edges(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text(
        "asset,related,relation,weight,known_at\n"
        "A,B,supplier,3,2015-03-02\nA,C,supplier,1,2014-01-01\nB,C,supplier,1,2014-01-01\n"
    )
    return {"signal": "news.tone", "relation": "supplier", "relations": path}


def test_weighted_mean_of_the_known_from_the_session_after_the_edge_was(edges):
    values = [[9.0, 1.0, 5.0], [9.0, 1.0, 5.0], [9.0, NAN, 5.0], [9.0, 1.0, NAN]]
    found = Related(edges).compute(inputs(values, ["A", "B", "C"]))
    np.testing.assert_array_equal(found[:, 0], [5.0, (3 * 1 + 5) / 4, 5.0, 1.0])
    np.testing.assert_array_equal(found[:, 1], [5.0, 5.0, 5.0, NAN])
    assert found[:, 2].isnan().all()


def test_who_is_no_member_says_nothing(edges):
    given = inputs([[9.0, 1.0, 5.0]] * 2, ["A", "B", "C"], member=[[True, False, True]] * 2)
    assert Related(edges).compute(given)[:, 0].tolist() == [5.0, 5.0]


def test_bundled_groups_are_peers():
    given = inputs([[1.0, 2.0, 4.0]], ["AAPL", "AMD", "XOM"])
    found = Related({"signal": "news.tone"}).compute(given)
    assert found[0, :2].tolist() == [2.0, 1.0]
    assert found[0, 2].isnan()


def test_it_is_causal_with_edges_that_come_and_go(synthetic_market, tmp_path):
    assets = synthetic_market.panel.assets
    rows = [
        f"{asset},{other},supplier,{day},{end}"
        for asset, other, day, end in zip(
            assets, assets[1:], EDGES, (*EDGES[2:], "", ""), strict=False
        )
    ]
    path = tmp_path / "edges.csv"
    path.write_text("\n".join(["asset,related,relation,known_at,end", *rows]))
    signal = Related({"signal": "planted.asset", "relation": "supplier", "relations": path})
    report = assert_causal(signal, synthetic_market, seconds=0.0)
    assert {each.name: each.outcome for each in report.checks}["start"] == "passed"
