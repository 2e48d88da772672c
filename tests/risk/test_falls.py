from pathlib import Path

import numpy as np
import pytest

from finstrat.risk.falls import FALLS, Fall, replay

DAYS = np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]")
FALL = Fall("small", DAYS[1], DAYS[3])
NAN = np.nan


def test_falls_are_in_order_and_do_not_overlap():
    ends = [each.end for each in FALLS]
    assert all(each.start < each.end for each in FALLS)
    assert all(end < after.start for end, after in zip(ends, FALLS[1:], strict=False))


def test_a_replay_buys_on_the_first_day_and_holds():
    close = np.array([[50.0, 1.0], [100.0, 1.0], [120.0, 1.0], [90.0, 1.0], [10.0, 1.0]])
    done = replay(FALL, np.array([0.5, 0.0]), close, DAYS)
    # 1 → 1.1 → 0.95: 5 % below the start, 0.15 / 1.1 below the highest value.
    assert done.loss == pytest.approx(0.05)
    assert done.deepest == pytest.approx(0.15 / 1.1)
    assert done.proxied == 0.0


def test_an_asset_without_a_price_on_the_first_day_moves_as_the_others():
    close = np.array([[1, 1, NAN], [100, 10, NAN], [90, 9, 5], [80, 6, 50], [1, 1, 1.0]])
    done = replay(FALL, np.array([0.0, 0.0, 1.0]), close, DAYS)
    assert done.loss == pytest.approx(0.3)
    assert done.proxied == 1.0


def test_an_asset_whose_prices_end_keeps_its_last():
    close = np.array([[1.0, 1.0], [100.0, 1.0], [70.0, 1.0], [NAN, 1.0], [NAN, 1.0]])
    assert replay(FALL, np.array([1.0, 0.0]), close, DAYS).loss == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [(slice(2, None), "begin after"), (slice(0, 3), "ended after"), (slice(0, 0), "begin after")],
)
def test_what_can_not_be_replayed_says_why(rows, reason):
    done = replay(FALL, np.array([1.0]), np.ones((5, 1))[rows], DAYS[rows])
    assert done.loss is None
    assert reason in done.reason_if_null


def test_no_price_at_all_on_the_first_day_can_not_be_replayed():
    assert replay(FALL, np.ones(1), np.full((5, 1), NAN), DAYS).reason_if_null


def test_the_documented_falls_are_those_replayed():
    text = (Path(__file__).parents[2] / "docs/decisions.md").read_text(encoding="utf-8")
    for fall in FALLS:
        assert f"| {fall.name} | {fall.start} | {fall.end} |" in text
