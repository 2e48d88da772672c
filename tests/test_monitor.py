import datetime as dt
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat import monitor
from finstrat.errors import ConfigError
from finstrat.monitor import Limits, monitor_model, monitor_run, read_limits
from finstrat.report.document import page
from finstrat.report.watch import document_of
from finstrat.text.cache import ScoreCache

SINCE = dt.date(2015, 10, 1)
DAYS = pd.bdate_range("2014-06-02", "2015-12-30")
HOLIDAYS = (
    *("2014-07-04", "2014-09-01", "2014-11-27", "2014-12-25", "2015-01-01", "2015-01-19"),
    *("2015-02-16", "2015-04-03", "2015-05-25", "2015-07-03", "2015-09-07", "2015-11-26"),
    "2015-12-25",
)
WORDS = ("profit gain strong", "loss weak decline", "the meeting is on Tuesday", "good result")


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(monitor, "DRAWS", 999)


@pytest.fixture
def world(tmp_path):
    """Writes eighteen months of four assets and texts, what comes since the date changed or not."""

    def world(*, spread=1.0, text=None, keep=1.0, hours=0, gap=False):
        days = DAYS.drop(pd.to_datetime(list(HOLIDAYS)))
        rng = np.random.default_rng(4)
        late = np.asarray(days >= pd.Timestamp(SINCE))
        moves = rng.normal(0.0005, 0.01, (len(days), 4)) * np.where(late, spread, 1.0)[:, None]
        close = 50 * np.exp(moves.cumsum(axis=0))
        prices = pd.DataFrame(close, index=days, columns=["A", "B", "C", "D"])
        if gap:
            prices.loc[late, "D"] = np.where(
                rng.random(late.sum()) < 0.5, np.nan, prices["D"][late]
            )
        long = prices.rename_axis("date").reset_index().melt("date", var_name="asset")
        long = long.rename(columns={"value": "close"}).dropna()
        long.to_csv(tmp_path / "prices.csv", index=False)
        rows = []
        for k, day in enumerate(days):
            for asset in prices.columns:
                changed = bool(late[k])
                if rng.random() > (0.6 * keep if changed else 0.6):
                    continue
                said = WORDS[int(rng.integers(4))]
                event = f"{day:%Y-%m-%d}T12:00:00Z"
                known = pd.Timestamp(event) + pd.Timedelta(hours=hours if changed else 0)
                rows.append(
                    {
                        "id": f"{asset}{k}",
                        "asset": asset,
                        "event_at": event,
                        "known_at": known.isoformat(),
                        "text": text if text is not None and changed else said,
                    }
                )
        pd.DataFrame(rows).to_csv(tmp_path / "texts.csv", index=False)
        return {
            "name": "watched",
            "span": {"start": "2014-06-02", "end": "2015-12-30"},
            "prices": {"use": "files-prices", "path": "prices.csv"},
            "documents": {"news": {"use": "files-documents", "path": "texts.csv"}},
            "signals": {"news": {"use": "news-sentiment", "scorer": "lm-lexicon"}},
            "strategy": {"use": "top-k", "signal": "news.tone", "k": 2, "rebalance": "weekly"},
            "optimizer": {"use": "equal"},
            "execution": {"fill": "next-close", "engine": "ledger"},
        }

    return world


@pytest.fixture
def watch(bare_project, host):
    def watch(config, *, limits=None, since=SINCE, **options):
        result = finstrat.run(config, project=bare_project, host=host)
        with ScoreCache(bare_project.state / "scores.sqlite") as cache:
            return monitor_run(
                result,
                since,
                limits=limits or Limits(),
                project=bare_project,
                host=host,
                cache=cache,
                **options,
            )

    return watch


def test_nothing_changed_raises_no_alarm(world, watch):
    told = watch(world())
    assert told["alarms"] == []
    names = {each["name"] for each in told["drifts"]}
    assert {"average return of the assets", "lm-lexicon.score", "news.tone"} <= names
    assert {"net a session", "texts a session", "length of the texts"} <= names
    assert told["changed"] == []
    assert told["until"] == "2015-12-30"


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({"spread": 3.0}, "spread of the assets' returns is not what it was"),
        ({"text": "loss loss bankruptcy"}, "lm-lexicon.score is not what it was"),
        ({"text": "\u200b"}, "flagged texts: 1, above the limit 0.05"),
        ({"keep": 0.2}, "texts a session, of those before"),
        ({"gap": True}, "prices known"),
    ],
)
def test_planted_changes_raise_their_alarm(world, watch, change, alarm):
    told = watch(world(**change))
    assert any(each.startswith(alarm) for each in told["alarms"]), told["alarms"]
    text = page(document_of(told, standing="a watch"))
    assert f"{len(told['alarms'])} alarm" in text


def test_a_declared_latency_is_held(world, watch):
    limits = Limits(latency_hours=2.0)
    told = watch(world(hours=5), limits=limits)
    assert "hours until known, median: 5, above the limit 2" in told["alarms"]
    row = next(each for each in told["levels"] if each["name"].startswith("hours"))
    assert (row["recent"], row["before"]) == (5.0, 0.0)


def test_too_little_on_either_side_is_refused(world, watch):
    with pytest.raises(ConfigError, match="at least 20 are needed on either side"):
        watch(world(), since=dt.date(2015, 12, 15))


def test_a_scorer_is_watched_on_a_file_of_texts(world, tmp_path, bare_project, host):
    from finstrat.components import Scorer

    world(text="loss loss bankruptcy")
    scorer = host.get(Scorer, "lm-lexicon").component()
    with ScoreCache(bare_project.state / "scores.sqlite") as cache:
        told = monitor_model(
            scorer, tmp_path / "texts.csv", SINCE, limits=Limits(), host=host, cache=cache
        )
    assert told["subject"] == "lm-lexicon"
    assert any("lm-lexicon.score is not what it was" in each for each in told["alarms"])
    assert {each["kind"] for each in told["drifts"]} == {"inputs", "scores"}


def test_limits_are_read_from_a_file_and_mistakes_have_their_line(tmp_path):
    (tmp_path / "limits.toml").write_text("alpha = 0.01\nflagged = 0.5\n")
    assert read_limits(tmp_path / "limits.toml").flagged == 0.5
    assert read_limits(None) == Limits()
    (tmp_path / "limits.toml").write_text("alpha = 0.01\nflaged = 0.5\n")
    with pytest.raises(ConfigError, match=r'limits\.toml:2: .*did you mean "flagged"'):
        read_limits(tmp_path / "limits.toml")


def test_the_documented_limits_are_all_there_are_with_their_defaults():
    text = (Path(__file__).parents[1] / "docs/decisions.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml limits\n(.*?)```", text, re.DOTALL)
    told = tomllib.loads(block)
    assert set(told) == set(Limits.model_fields)
    assert Limits.model_validate({**told, "latency_hours": None}) == Limits()
