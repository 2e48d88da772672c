"""A formula in a backtest file, from the file to the numbers."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.signals.expression import Expression
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.components import Inputs
from finstrat.config import load, resolve
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.errors import ConfigError, DataError
from finstrat.market import load_market
from finstrat.pipeline import run
from finstrat.toml_file import TomlFile

TEXT = """\
name = "formula"

[span]
start = 2015-03-02
end = 2015-04-24

[prices]
use = "files-prices"
path = "prices.csv"

[documents.news]
use = "files-documents"
path = "texts.csv"

[signals.news]
use = "news-sentiment"
scorer = "lm-lexicon"

[signals]
calm = "rank(zscore(news.tone, 5)) - rank(volatility(close, 6))"

[strategy]
use = "long-short"
signal = "calm.value"
fraction = 0.5
min_names = 2

[limits]
long_only = false
net = [-0.1, 0.1]
"""


@pytest.fixture
def planned(host, world, tmp_path):
    """Resolves the file above with a text replaced."""

    def plan(old="", new=""):
        assert old in TEXT
        file = TomlFile.parse(TEXT.replace(old, new), shown_as="formula.toml")
        return resolve(load(file), host, file=file, root=tmp_path)

    return plan


def refused(planned, old, new):
    with pytest.raises(ConfigError) as caught:
        planned(old, new)
    return str(caught.value)


def test_one_line_trades(planned):
    plan = planned()
    assert plan.signals["calm"].needs == ("close", "news.tone")
    result = run(plan, load_market(plan), device="cpu")
    assert len(result.orders) > 0
    # The formula reads the news, so it has a twin without them.
    assert result.sessions["twin"].notna().all()
    assert result.config["signals"]["calm"] == {
        "use": "expression",
        "formula": "rank(zscore(news.tone, 5)) - rank(volatility(close, 6))",
        "scope": "asset",
    }


def test_a_table_says_the_same_as_the_line(planned):
    line = planned()
    table = planned("[signals]\ncalm = ", '[signals.calm]\nuse = "expression"\nformula = ')
    assert table.resolved == line.resolved


@pytest.mark.parametrize(
    ("new", "at", "message"),
    [
        ("volatility(cloze", "cloze", 'calm.formula: no series "cloze"; did you mean "close"?'),
        ("volatlity(close", "volatl", 'calm.formula: no function "volatlity"; did you mean'),
        ("rank(close.x.y", "close.x", "calm.formula: Attribute is no part of an expression"),
        ("volatility(news.tne", "news.tne", 'calm: no signal output "news.tne"; did you mean'),
        ("volatility(nws.tone", "nws.tone", 'calm: no signal output "nws.tone"; did you mean'),
    ],
)
def test_a_mistake_is_shown_with_file_line_and_column(planned, new, at, message):
    lines = TEXT.replace("volatility(close", new).splitlines()
    (line,) = [number for number, text in enumerate(lines) if text.startswith("calm")]
    said = refused(planned, "volatility(close", new)
    where = f"formula.toml:{line + 1}:{lines[line].index(at) + 1}"
    assert said.startswith(f"{where}: signals.{message}")


def test_a_wrong_number_is_refused_before_anything_is_loaded(planned):
    said = refused(planned, "close, 6", "close, 1")
    assert "volatility: window: expected a whole number >= 2, got 1" in said
    assert said.splitlines()[-1].strip() == "^"


def test_signals_that_need_each_other_are_refused(planned):
    plan = planned("news.tone", "calm.value")
    with pytest.raises(ConfigError, match=r"signals.calm: needs calm.value, which in turn"):
        load_market(plan)


def test_a_field_that_the_source_lacks_is_named(planned, tmp_path):
    prices = pd.read_csv(tmp_path / "prices.csv").drop(columns="volume")
    prices.to_csv(tmp_path / "prices.csv", index=False)
    plan = planned("close, 6", "traded_value, 6")
    with pytest.raises(DataError, match='signals.calm: the price source has no field "volume"'):
        run(plan, load_market(plan), device="cpu")


def inputs(**more):
    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 31)))
    close = np.array([[1.0, 4.0, 3.0], [2.0, 4.0, 3.0], [3.0, 2.0, 3.0], [6.0, 1.0, 4.0]])
    clock = clock.slice(0, len(close))
    fields = {"close": close, "volume": np.full_like(close, 10.0)}
    member = np.ones_like(close, dtype=bool)
    member[:, 1] = False
    return Inputs(
        **{
            "panel": Panel.from_fields(
                clock.sessions,
                ("A", "B", "C"),
                fields | {"adj_factor": np.full_like(close, 0.5)},
                member=member,
            ),
            "documents": Documents.empty(),
            "facts": Facts.empty(),
            "clock": clock,
            "device": torch.device("cpu"),
            **more,
        }
    )


def value(formula, **options):
    given = inputs(**options.pop("given", {}))
    return Expression({"formula": formula, **options}).compute(given)


def test_assets_are_compared_with_members_only():
    assert_array_equal(value("rank(close)")[0], [0.25, math.nan, 0.75])
    assert_allclose(value("rank(close, mask=member + 1)")[0], [1 / 6, 5 / 6, 0.5])


def test_traded_value_is_at_recorded_prices():
    assert_array_equal(value("close")[0], [0.5, 2.0, 1.5])
    assert_array_equal(value("traded_value")[0], [10.0, 40.0, 30.0])
    assert Expression({"formula": "traded_value"}).needs == ("close", "volume")


def test_facts_count_from_when_they_are_known():
    table = pd.DataFrame(
        {
            "asset": ["A", "A", "C"],
            "item": "shares",
            "value": [5.0, 50.0, 20.0],
            "period_end": ["2014-12-31", "2014-12-31", "2014-12-31"],
            "known_at": pd.to_datetime(
                ["2015-02-01T00:00Z", "2015-03-03T21:30Z", "2015-03-02T15:00Z"]
            ),
            "version": [1, 2, 1],
        }
    )
    facts = Facts.from_frame(table, where="test")
    found = value("share_turnover(volume, facts.shares, 1)", given={"facts": facts})
    assert_array_equal(found[:, 0], [2.0, 2.0, 0.2, 0.2])
    assert_array_equal(found[:, 2], [0.5] * 4)
    with pytest.raises(DataError, match='no fact "share"; did you mean "shares"'):
        value("close / facts.share", given={"facts": facts})


def test_market_level_formula_says_so():
    mood = torch.tensor([0.0, 1.0, 3.0, 2.0], dtype=torch.float64)
    given = {"features": {"mood.level": mood}}
    formula = "zscore(mood.level, 3)"
    found = value(formula, scope="market", given=given)
    assert_array_equal(found, features.rolling_zscore(mood, 3))
    with pytest.raises(DataError, match='say scope = "market" in its table'):
        value(formula, given=given)
    assert value("close * mood.level", given=given).shape == (4, 3)


def test_what_a_formula_looks_back_on_is_declared():
    signal = Expression({"formula": "zscore(returns(close, 5), 20)"})
    assert (signal.warmup, signal.memory, signal.scope) == (24, "finite", "asset")
    assert Expression({"formula": "ewma(close, 5)"}).memory == "expanding"


@pytest.mark.parametrize(
    "formula",
    [
        "rank(returns(close, 2)) - rank(volatility(close, 3))",
        "amihud_illiquidity(returns(close), traded_value, 2)",
        "drawdown(close) + rolling_rank(close, 3, min_periods=1)",
    ],
)
def test_later_sessions_change_nothing_earlier(formula):
    whole = inputs()
    cut = inputs(panel=whole.panel.slice(0, 3), clock=whole.clock.slice(0, 3))
    signal = Expression({"formula": formula})
    assert_array_equal(signal.compute(cut), signal.compute(whole)[:3])
