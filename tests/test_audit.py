import json

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat.audit import audit_run
from finstrat.components import Signal
from finstrat.errors import DataError
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
    assert "the target of" in record["evidence"]
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


def test_changed_inputs_are_refused(ran, check, tmp_path):
    directory = ran()
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices.loc[5, "close"] += 1
    prices.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(DataError, match="prices changed since the run"):
        check(directory)
    assert not (directory / "checks").exists()
