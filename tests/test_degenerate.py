"""Runs in which nothing, or everything, happens: nulls with reasons, on screen and in JSON."""

import json

import pandas as pd
import pytest

import finstrat
from finstrat.cli.show import headline
from finstrat.components import Decision, Strategy


@pytest.fixture
def reported(world, bare_project, host, monkeypatch):
    """Runs `world` with the given exposure and changes; the stored run and its report."""

    def reported(exposure, **changes):
        class Fixed(Strategy):
            name, version = "fixed", "1"

            def decide(self, inputs):
                close = inputs.prices()
                return Decision(weights=close.isfinite() * exposure / close.shape[1])

        found = host.get(Strategy, "top-k")
        registered = type(found)(Fixed, found.provider)
        monkeypatch.setitem(host.components, (Strategy, "fixed"), [registered])
        config = {**world, "strategy": {"use": "fixed"}}
        del config["limits"]
        result = finstrat.run({**config, **changes}, project=bare_project, host=host)
        text = (result.path / "report.json").read_text(encoding="utf-8")
        return result, json.loads(text, parse_constant=_refuse)

    return reported


def _refuse(word):
    raise AssertionError(f"{word} in a report")


def _checked(report, capsys):
    """Its headline by label, after what holds for every report."""
    assert [each["id"] for each in report["blocks"] if each["status"] == "fail"] == []
    assert report["verdict"]["outcome"] != "supported"
    named = [
        *report["headline"],
        *(each for block in report["blocks"] for each in block["figures"]),
    ]
    for each in named:
        assert (each["figure"]["value"] is None) == bool(each["figure"]["reason_if_null"])
    headline(report)
    shown = capsys.readouterr()
    assert not {"nan", "inf"} & set((shown.out + shown.err).lower().split())
    return {each["label"]: each["figure"] for each in report["headline"]}


def test_account_that_stays_in_cash(reported, capsys):
    result, report = reported(0.0)
    assert result.orders.empty
    figures = _checked(report, capsys)
    assert figures["Sharpe ratio"]["reason_if_null"].startswith("every return is zero")
    assert figures["Total return"]["value"] == 0.0
    assert figures["Turnover a year"]["value"] == 0.0


@pytest.mark.parametrize("sessions", [252, 1])
def test_threshold_that_no_stock_reaches_keeps_a_real_year_in_cash(
    sessions, bare_project, host, capsys
):
    config = {
        "name": "cash",
        "span": {"start": "2015-01-02", "end": "2015-12-31" if sessions > 1 else "2015-01-04"},
        "prices": {"use": "sp500"},
        "signals": {"momentum": {"use": "momentum", "window": 21, "skip": 0}},
        "strategy": {"use": "threshold", "signal": "momentum.value", "enter": 1000, "leave": 0},
        "optimizer": {"use": "equal"},
        "execution": {"fill": "next-close"},
    }
    result = finstrat.run(config, project=bare_project, host=host)
    assert len(result.sessions) == sessions
    assert result.orders.empty
    assert (result.sessions["cash"] == result.initial_cash).all()
    text = (result.path / "report.json").read_text(encoding="utf-8")
    figures = _checked(json.loads(text, parse_constant=_refuse), capsys)
    assert figures["Sharpe ratio"]["value"] is None
    assert figures["Total return"]["value"] == figures["Turnover a year"]["value"] == 0.0


def test_run_of_one_session(reported, capsys):
    _, report = reported(1.0, span={"start": "2015-03-13", "end": "2015-03-14"})
    figures = _checked(report, capsys)
    assert report["span"]["sessions"] == 1
    assert figures["Sharpe ratio"]["value"] is None
    assert "not annualised" in figures["Growth a year"]["reason_if_null"]


def test_prices_that_never_move(reported, capsys, tmp_path):
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices[["open", "high", "low", "close"]] = 50.0
    prices.to_csv(tmp_path / "prices.csv", index=False)
    _, report = reported(1.0, costs={"use": "proportional", "fee_bps": 0, "slippage_bps": 0})
    figures = _checked(report, capsys)
    assert figures["Sharpe ratio"]["value"] is None
    assert figures["Volatility"]["value"] == 0.0


def test_short_account_that_ends_in_debt(reported, capsys, tmp_path):
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices.loc[prices["date"] >= "2015-04-01", ["open", "high", "low", "close"]] *= 5
    prices.to_csv(tmp_path / "prices.csv", index=False)
    result, report = reported(-0.9, limits={"long_only": False, "net": [-1, 1]})
    figures = _checked(report, capsys)
    # What is owed beyond the capital counts, and nothing is earned on it.
    assert figures["Total return"]["value"] < -1.0
    after = result.sessions.loc["2015-04-02":]
    assert (after[["net", "gross", "turnover"]].to_numpy() == 0.0).all()
    assert any(each.check == "account lost everything" for each in result.findings)
