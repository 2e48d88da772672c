import json

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat.audit import audit_run
from finstrat.components import Signal
from finstrat.errors import DataError, PluginError
from finstrat.ledger import Ledger
from finstrat.store import load


@pytest.fixture
def ran(world, bare_project, host):
    """Runs a backtest and gives its directory."""

    def ran(config=world):
        return finstrat.run(config, project=bare_project, host=host).path

    return ran


@pytest.fixture
def check(bare_project, host):
    def check(directory, **options):
        options.setdefault("placebos", 19)
        return audit_run(directory, project=bare_project, host=host, **options)

    return check


def test_audit_leaves_a_record_of_every_check_and_a_new_report(ran, check):
    directory = ran()
    before = json.loads((directory / "report.json").read_text())
    records = check(directory)
    after = json.loads((directory / "report.json").read_text())
    assert sorted(load(directory).checks) == sorted(records)
    statuses = {each["name"]: each["status"] for each in after["verdict"]["checks"]}
    assert "not run" not in statuses.values()
    assert "not run" in {each["status"] for each in before["verdict"]["checks"]}
    assert statuses["uses nothing from the future"] == "pass"
    assert statuses["holds out of sample"] == "not applicable"
    assert statuses["two engines agree"] == "pass"


def test_audit_twice_gives_the_same_records_and_adds_no_trial(ran, check, bare_project):
    directory = ran()
    first, second = check(directory), check(directory)
    assert first == second
    trials = load(directory).trials
    assert trials["recorded"] == 1
    assert Ledger(bare_project.state / "trials.sqlite").path.is_file()


def test_prices_alone_have_no_text_to_shift(ran, check, world):
    config = {
        **world,
        "signals": {"momentum": {"use": "momentum", "window": 5, "skip": 0}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    records = check(ran(config))
    assert records["placebo"]["status"] == "not applicable"
    assert records["past-returns"]["status"] == "not applicable"
    assert records["causality"]["status"] == "pass"


class Peek(Signal):
    """Tomorrow's return."""

    name, version = "peek", "1"
    needs = ("close",)

    def compute(self, inputs):
        close = inputs.prices("close")
        return close.roll(-1, dims=0) / close - 1.0


class Hindsight(Signal):
    """A z-score against the whole sample: small, but the future is in it."""

    name, version = "hindsight", "1"
    needs = ("close",)

    def compute(self, inputs):
        close = inputs.prices("close")
        return (close - close.mean(dim=0)) / close.std(dim=0)


@pytest.fixture(params=[Peek, Hindsight])
def leak(request, host, monkeypatch):
    """A signal that sees the future, known to the host."""
    found = host.get(Signal, "momentum")
    registered = type(found)(request.param, found.provider)
    monkeypatch.setitem(host.components, (Signal, request.param.name), [registered])
    return request.param


def test_signal_that_sees_the_future_is_refuted_and_it_says_where(leak, ran, check, world):
    config = {
        **world,
        "signals": {"leak": {"use": leak.name}},
        "strategy": {"use": "top-k", "signal": "leak.value", "k": 1, "rebalance": "daily"},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    directory = ran(config)
    record = check(directory)["causality"]
    assert record["status"] == "fail"
    assert (
        "It shows first in signals.leak; prices and documents.news stayed the same"
        in record["evidence"]
    )
    assert "of what is traded, first: the target on" in record["evidence"]
    report = json.loads((directory / "report.json").read_text())
    assert report["verdict"]["outcome"] == "refuted"


def test_prescient_text_beats_its_placebos_and_noise_does_not(ran, check, world, tmp_path):
    prices = pd.read_csv(tmp_path / "prices.csv").pivot_table(
        index="date", columns="asset", values="open"
    )
    # A decision on day t fills at the open of t + 1: what counts is the move to t + 2's.
    ahead = prices.pct_change().shift(-2)
    texts = pd.DataFrame(
        [
            {
                "id": f"{asset}-{day}",
                "asset": asset,
                "event_at": f"{day}T15:00:00Z",
                "known_at": f"{day}T15:00:00Z",
                "text": "profit gain strong" if ahead.loc[day, asset] > 0 else "loss weak decline",
            }
            for day in prices.index[:-2]
            for asset in prices.columns
        ]
    )
    texts.to_csv(tmp_path / "texts.csv", index=False)
    config = {
        **world,
        "signals": {
            "news": {
                "use": "news-sentiment",
                "scorer": "lm-lexicon",
                "half_life": 0.2,
                "novelty": 0.0,
            }
        },
    }
    assert check(ran(config), placebos=39)["placebo"]["status"] == "pass"
    rng = np.random.default_rng(0)
    texts["text"] = rng.permutation(texts["text"].to_numpy())
    texts.to_csv(tmp_path / "texts.csv", index=False)
    assert check(ran(config), placebos=39)["placebo"]["status"] == "inconclusive"


@pytest.fixture
def six(world, tmp_path):
    """Six assets, of which some always rise more, and praise or blame for each as it deserves."""
    days = pd.bdate_range("2015-01-02", "2015-04-24").drop(
        pd.to_datetime(["2015-01-19", "2015-02-16", "2015-04-03"])
    )
    drift = np.array([3, 2, 1, -1, -2, -3]) * 1e-3
    moves = np.random.default_rng(1).normal(drift, 0.004, (len(days), 6))
    close = pd.DataFrame(100 * np.exp(moves.cumsum(axis=0)), index=days, columns=list("ABCDEF"))
    long = close.rename_axis("date").reset_index().melt("date", var_name="asset")
    long.assign(open=long["value"]).rename(columns={"value": "close"}).to_csv(
        tmp_path / "prices.csv", index=False
    )
    stamps = [f"{day:%Y-%m-%d}T15:00:00Z" for day in days]
    praise = [
        "strong profit gain",
        "profit",
        "profit weak gain",
        "weak loss gain",
        "loss",
        "weak loss",
    ]
    texts = pd.DataFrame(
        [
            {"id": f"{asset}{i}", "asset": asset, "event_at": at, "known_at": at, "text": text}
            for i, at in enumerate(stamps)
            for asset, text in zip(close.columns, praise, strict=True)
        ]
    )
    texts.to_csv(tmp_path / "texts.csv", index=False)
    news = {"use": "news-sentiment", "scorer": "lm-lexicon", "half_life": 1, "novelty": 0.0}
    span = {"start": "2015-01-02", "end": "2015-04-24"}
    return {**world, "span": span, "signals": {"news": news}}


def test_texts_that_tell_assets_apart_lose_by_a_swap_and_not_by_a_shift(ran, check, six):
    record = check(ran(six), placebos=60)["placebo"]
    figures = {label: each["value"] for label, each in record["figures"]}
    # Every text of an asset says the same, so shifting them changes nothing at all.
    assert figures["Placebo p-value, shifted in time"] == 1.0
    assert set(record["placebos"]["shift"]) == {record["own"]}
    # A few swaps leave the praised half praised.
    assert figures["Placebo p-value, swapped between assets"] < 0.15
    assert [len(record["placebos"][kind]) for kind in ("shift", "swap")] == [30, 30]
    assert record["status"] == "inconclusive"


def test_signal_declares_which_placebos_apply_to_it(ran, check, six, host, monkeypatch):
    found = host.get(Signal, "news-sentiment").component
    directory = ran(six)
    monkeypatch.setattr(found, "placebos", ("swap",))
    record = check(directory)["placebo"]
    assert record["status"] == "pass"
    assert list(record["placebos"]) == ["swap"]
    monkeypatch.setattr(found, "placebos", ())
    assert "declare no placebo that applies" in check(directory)["placebo"]["evidence"]
    monkeypatch.setattr(found, "placebos", ("swaps",))
    with pytest.raises(PluginError, match='signals.news: .*no placebo "swaps"; .* shift and swap'):
        check(directory)


def test_four_assets_are_too_few_to_swap(ran, check):
    assert list(check(ran())["placebo"]["placebos"]) == ["shift"]


def test_lags_show_that_a_signal_tells_of_the_past(ran, check, six):
    momentum = {"use": "momentum", "window": 1, "skip": 0}
    config = {
        **six,
        "signals": {"last": momentum},
        "strategy": {"use": "long-short", "signal": "last.value", "fraction": 0.5, "min_names": 2},
    }
    record = check(ran(config))["lags"]
    assert record["status"] == "diagnostic"
    means = {row["lag"]: row["mean"] for row in record["lags"]}
    assert sorted(means) == list(range(-5, 6))
    # Decided at the close of t, filled at the open of t + 1 and held to that of t + 2, which equals
    # the close: the return of a session is what the signal says of itself two sessions later.
    assert max(means, key=means.get) == -2
    assert "had the signals been known 2 sessions earlier" in record["evidence"]
    own = dict(record["figures"])["Mean daily return before costs, lag +0"]
    assert own["value"] == means[0]


def test_texts_after_the_move_are_said_to_come_too_late(ran, check, six, tmp_path):
    days = pd.read_csv(tmp_path / "prices.csv")["date"].unique()
    rng = np.random.default_rng(0)
    moves, texts = rng.normal(0, 0.001, (len(days), 6)), []
    for day in range(12, len(days) - 12):
        for i, asset in enumerate("ABCDEF"):
            tone = rng.choice(["profit gain", "filler", "loss weak"], p=[0.15, 0.7, 0.15])
            at = f"{days[day]}T15:00:00Z"
            texts.append((f"{asset}{day}", asset, at, at, tone))
            # The whole move comes the session before the text.
            moves[day - 1, i] += {"profit gain": 0.03, "filler": 0.0, "loss weak": -0.03}[tone]
    close = 100 * np.exp(moves.cumsum(axis=0))
    frame = pd.DataFrame(close, index=pd.Index(days, name="date"), columns=list("ABCDEF"))
    long = frame.reset_index().melt("date", var_name="asset", value_name="close")
    long.assign(open=long["close"]).to_csv(tmp_path / "prices.csv", index=False)
    columns = ["id", "asset", "event_at", "known_at", "text"]
    pd.DataFrame(texts, columns=columns).to_csv(tmp_path / "texts.csv", index=False)
    record = check(ran(six))["event-study"]
    assert record["status"] == "diagnostic"
    assert record["evidence"].count("the move is complete before anybody can trade on them") == 2
    (study,) = record["studies"]
    assert study["about"] == "assets"
    good, bad = (study["paths"][key] for key in ("good", "bad"))
    assert good["mean"][9] - good["mean"][8] > 0.02
    assert bad["mean"][9] - bad["mean"][8] < -0.02
    assert "beta_adjusted" in good


def test_without_scored_text_there_is_no_event(ran, check, six):
    config = {
        **six,
        "signals": {"last": {"use": "momentum", "window": 1, "skip": 0}},
        "strategy": {"use": "long-short", "signal": "last.value", "min_names": 2},
    }
    assert "No text was scored" in check(ran(config))["event-study"]["evidence"]


def test_changed_inputs_are_refused(ran, check, tmp_path):
    directory = ran()
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices.loc[5, "close"] += 1
    prices.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(DataError, match="prices changed since the run"):
        check(directory)
    assert not (directory / "checks").exists()
