import datetime as dt

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat.audit import reopen
from finstrat.errors import ConfigError, DataError
from finstrat.lineage import contributions, explain
from finstrat.report.document import page
from finstrat.report.explanation import document_of, passage
from finstrat.text.cache import ScoreCache

DAY = dt.date(2015, 4, 10)


@pytest.fixture
def case(bare_project, host):
    """Runs a backtest and reopens it."""

    def case(config):
        result = finstrat.run(config, project=bare_project, host=host)
        with ScoreCache(bare_project.state / "scores.sqlite") as cache:
            return reopen(result, project=bare_project, host=host, cache=cache)

    return case


def with_news(world, **options):
    news = {"use": "news-sentiment", "scorer": "lm-lexicon", "novelty": 0, **options}
    return {**world, "signals": {"news": news}}


def test_every_step_tells_what_the_run_did(case, world):
    reopened = case(with_news(world))
    result = reopened.result
    told = explain(reopened, "BBB", DAY)
    day = pd.Timestamp(DAY)
    after = result.targets.index[result.targets.index.get_loc(day) + 1]
    assert told["decided_on"] == "2015-04-10"
    assert told["weight"]["target"] == result.targets.loc[day, "BBB"]
    assert told["weight"]["held_after_fill"] == result.holdings.loc[after, "BBB"]
    own = result.orders[(result.orders["session"] == after) & (result.orders["asset"] == "BBB")]
    assert [order["shares"] for order in told["orders"]] == own["shares"].tolist()
    assert [signal["output"] for signal in told["signals"]] == ["news.tone"]
    signal = told["signals"][0]
    row = reopened.market.panel.index.get_loc(day)
    assert signal["value"] == float(reopened.features["news.tone"][row, 1])
    documents = {document["id"]: document for document in signal["documents"]}
    assert all(each.startswith("BBB-") for each in documents)
    assert all(each["known_at"] < "2015-04-10T20:00:00" for each in documents.values())
    assert len(documents) > 5
    for one in documents.values():
        assert one["scores"]["score"] == LM[one["text"]]
        words = [one["text"][word["start"] : word["end"]] for word in one["words"]]
        assert words == [word for word in one["text"].split() if word != "profit"]


LM = {
    "profit gain strong": 1.0,
    "loss weak decline": -1.0,
    "profit": 0.0,
    "bankruptcy loss loss": -1.0,
}


def test_what_a_signal_tells_is_what_leaving_out_each_document_finds(case, world, monkeypatch):
    reopened = case(with_news(world))
    row = reopened.market.panel.index.get_loc(pd.Timestamp(DAY))
    told, _ = contributions(reopened, "news", "tone", asset="BBB", row=row)
    signal = type(reopened.plan.signals["news"])
    monkeypatch.setattr(signal, "contributions", lambda *_args, **_named: None)
    found, method = contributions(reopened, "news", "tone", asset="BBB", row=row)
    assert "without each of the latest" in method
    known = ~np.isnan(found)
    assert known.sum() > 5
    np.testing.assert_allclose(told[known], found[known], atol=1e-12)


def test_the_mood_tells_its_level_as_leaving_out_finds_it(case, world, monkeypatch):
    config = {
        **world,
        "signals": {
            "mood": {
                "use": "market-mood",
                "scorer": "lm-lexicon",
                "window": 20,
                "damping": 0,
            }
        },
        "strategy": {"use": "mood-overlay", "signal": "mood.level"},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    reopened = case(config)
    row = reopened.market.panel.index.get_loc(pd.Timestamp(DAY))
    told, _ = contributions(reopened, "mood", "level", asset="AAA", row=row)
    signal = type(reopened.plan.signals["mood"])
    monkeypatch.setattr(signal, "contributions", lambda *_args, **_named: None)
    found, _ = contributions(reopened, "mood", "level", asset="AAA", row=row)
    known = ~np.isnan(found) & ~np.isnan(told)
    assert known.sum() > 5
    np.testing.assert_allclose(told[known], found[known], atol=1e-12)
    explained = explain(reopened, "AAA", DAY)
    assert explained["optimizer"]["target_with_text_replaced"] is not None


def test_prices_alone_have_signals_without_documents(case, world):
    config = {
        **{key: world[key] for key in ("name", "span", "prices")},
        "signals": {
            "fast": "returns(close, 2)",
            "slow": "returns(close, 5)",
            "both": {"use": "combine", "signals": ["fast.value", "slow.value"]},
        },
        "strategy": {"use": "top-k", "signal": "both.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "equal"},
    }
    told = explain(case(config), "CCC", DAY)
    assert [each["output"] for each in told["signals"]] == [
        "both.value",
        "fast.value",
        "slow.value",
    ]
    assert all("documents" not in each for each in told["signals"])
    assert told["decided_on"] < "2015-04-10"
    assert told["optimizer"]["target_with_text_replaced"] is None


def test_a_position_that_is_not_there_is_refused(case, world):
    reopened = case(with_news(world))
    with pytest.raises(ConfigError, match='no asset "AAAA"; did you mean "AAA"'):
        explain(reopened, "AAAA", DAY)
    with pytest.raises(DataError, match="the run goes from 2015-03-02"):
        explain(reopened, "AAA", dt.date(2016, 1, 4))


def test_the_page_keeps_hostile_text_text_and_marks_its_words(case, world, tmp_path):
    texts = pd.read_csv(tmp_path / "texts.csv")
    texts["text"] += " <script>alert(1)</script>loss"
    texts.to_csv(tmp_path / "texts.csv", index=False)
    told = explain(case(with_news(world)), "BBB", DAY)
    span = {"start": "2015-03-02", "end": "2015-04-24", "sessions": 39}
    text = page(document_of(told, standing="not <b>approved", span=span))
    assert "<script>alert" not in text
    assert "not &lt;b&gt;approved" in text
    assert '<mark class="down"' in text


def test_only_words_that_matter_are_marked():
    told = {
        "id": "1",
        "known_at": "2015-04-10T12:00:00",
        "effect": 0.5,
        "text": "a very good day",
        "words": [
            {"start": 2, "end": 6, "effect": 0.01},
            {"start": 7, "end": 11, "effect": 0.9},
        ],
    }
    parts = passage(told).parts
    assert [(part.text, part.effect) for part in parts] == [
        ("a very ", 0.0),
        ("good", 0.9),
        (" day", 0.0),
    ]
