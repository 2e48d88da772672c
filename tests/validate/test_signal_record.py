import datetime as dt
import json

import numpy as np
import pytest

from finstrat.data import Panel
from finstrat.testing import synthetic_market
from finstrat.validate.signal_record import latest_cutoff, signal_record
from finstrat.validate.tearsheet import tearsheet


def panel(close):
    close = np.asarray(close, dtype=float)
    times = np.datetime64("2024-01-02") + np.arange(len(close))
    assets = [f"A{i:02}" for i in range(close.shape[1])]
    return Panel.from_fields(times, assets, {"close": close})


@pytest.fixture(scope="module")
def market():
    return synthetic_market()


def record(values, prices, **said):
    found = signal_record(values, prices, fill="next-close", first=0, **said)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_an_asset_level_output_keeps_its_tearsheet_and_its_ic_by_month(market):
    tone = market.tone.numpy()
    found = record(tone, market.panel)
    sheet = tearsheet(tone, market.panel, fill="next-close")
    assert found["decay"] == [[h, figure.to_dict()] for h, figure in sheet.forward.items()]
    total, sessions = (sum(month[k] for month in found["months"]) for k in (1, 2))
    assert sessions == sheet.forward[1].n
    assert total / sessions == pytest.approx(sheet.forward[1].value, abs=1e-4)
    assert found["split"] == []


def test_the_split_at_a_cutoff_adds_up_to_the_whole(market):
    tone = market.tone.numpy()
    days = market.panel.times.astype("datetime64[D]")
    cutoff = days[len(days) // 2].astype(dt.date)
    found = record(tone, market.panel, reads_text=True, cutoff=cutoff)
    before, after = (figure for _, figure in found["split"])
    whole = found["decay"][0][1]
    assert before["n"] + after["n"] == whole["n"]
    mean = (before["n"] * before["value"] + after["n"] * after["value"]) / whole["n"]
    assert mean == pytest.approx(whole["value"])


def test_a_side_of_the_cutoff_without_sessions_and_an_unknown_cutoff_are_null_with_reasons(market):
    tone = market.tone.numpy()
    late = record(tone, market.panel, reads_text=True, cutoff=dt.date(2099, 1, 1))["split"]
    assert late[0][1]["value"] is not None
    assert late[1][1]["reason_if_null"] == "no session of the run lies there"
    unknown = record(tone, market.panel, reads_text=True)["split"]
    assert all("until when it read" in figure["reason_if_null"] for _, figure in unknown)


def test_one_model_without_a_cutoff_leaves_all_without():
    day = dt.date(2020, 1, 1)
    assert latest_cutoff([day, dt.date(2019, 1, 1)]) == day
    assert latest_cutoff([day, None]) is None
    assert latest_cutoff([]) is None


def test_a_market_signal_that_says_what_follows_has_a_correlation_of_one_and_hand_made_fifths():
    moves = np.random.default_rng(0).permutation(np.arange(1, 43)) / 1000
    prices = panel(np.cumprod(1 + moves)[:, None] * [100.0, 50.0])
    said = np.append(moves[2:], [np.nan, np.nan])
    found = record(said, prices)
    assert found["scope"] == "market"
    assert found["decay"][0][1]["value"] == pytest.approx(1.0)
    means = [figure["value"] for _, figure in found["fifths"]]
    assert means == pytest.approx(np.sort(moves[2:]).reshape(5, 8).mean(axis=1).tolist())
    assert found["spread"]["value"] == pytest.approx(means[-1] - means[0])
    known = dict(found["figures"])["Known sessions"]
    assert known["value"] == pytest.approx(40 / 42)


@pytest.mark.parametrize("fill", [0.0, np.nan], ids=["constant", "unknown"])
@pytest.mark.parametrize("shape", [(40, 6), (40,)], ids=["asset", "market"])
@pytest.mark.parametrize("sessions", [40, 1])
def test_a_signal_that_tells_nothing_apart_gives_nulls_with_reasons(fill, shape, sessions):
    rng = np.random.default_rng(0)
    prices = panel(np.cumprod(1 + rng.normal(0, 0.01, (sessions, 6)), axis=0))
    found = record(np.full((sessions, *shape[1:]), fill), prices, reads_text=True)
    for _, figure in found["decay"]:
        assert figure["value"] is None
        assert figure["reason_if_null"]
    assert found["spread"]["value"] is None or shape == (40, 6)
    assert found["months"] == []
