import numpy as np
import pytest

from finstrat.validate.event_study import (
    AROUND,
    OFFSETS,
    Events,
    abnormal_around,
    betas_before,
    event_path,
    strongest,
)


def at(*pairs):
    sessions, columns = np.array(pairs, dtype=np.int64).T
    return Events(sessions, columns)


def test_abnormal_returns_are_those_less_the_markets_and_unknown_off_the_end():
    returns = np.arange(60.0).reshape(30, 2) / 100
    market = np.full(30, 0.01)
    found = abnormal_around(at((12, 1), (5, 0)), returns, market)
    np.testing.assert_allclose(found[0], returns[2:23, 1] - 0.01)
    assert np.isnan(found[1, :5]).all()
    np.testing.assert_allclose(found[1, 5:], returns[:16, 0] - 0.01)
    halved = abnormal_around(at((12, 1)), returns, market, betas=np.full((30, 2), 0.5))
    np.testing.assert_allclose(halved[0], returns[2:23, 1] - 0.005)


def test_beta_is_of_sessions_that_end_eleven_before_the_event():
    rng = np.random.default_rng(0)
    market = rng.normal(0, 0.01, 200)
    returns = np.column_stack([1.5 * market, np.where(np.arange(200) < 150, 0.5, 3.0) * market])
    betas = betas_before(returns, market)
    np.testing.assert_allclose(betas[199, 0], 1.5)
    # Until session 160 the last that counts is 149, of the old kind.
    np.testing.assert_allclose(betas[160, 1], 0.5)
    assert betas[180, 1] > 0.6
    assert np.isnan(betas[69]).all()
    np.testing.assert_allclose(betas[70], [1.5, 0.5])
    assert np.isnan(betas_before(returns, np.zeros(200))).all()


def planted(jump_at, sessions=400, assets=20, events=60):
    """Quiet returns with a move of one per cent `jump_at` sessions after each event."""
    rng = np.random.default_rng(3)
    returns = rng.normal(0, 0.002, (sessions, assets))
    days = rng.choice(np.arange(30, sessions - 30), size=events, replace=False)
    columns = rng.integers(0, assets, size=events)
    returns[days + jump_at, columns] += 0.01
    return Events(days, columns), returns


@pytest.mark.parametrize("jump_at", [-4, 0, 3])
def test_planted_move_is_found_where_it_is(jump_at):
    events, returns = planted(jump_at)
    path = event_path(events, returns, np.zeros(len(returns)), seed=0)
    steps = np.diff(path.mean, prepend=0.0)
    assert OFFSETS[steps.argmax()] == jump_at
    assert steps.max() == pytest.approx(0.01, abs=0.001)
    gone, left = (path.before, path.after) if jump_at <= 0 else (path.after, path.before)
    assert gone == pytest.approx(0.01, abs=0.002)
    assert left == pytest.approx(0.0, abs=0.002)
    assert path.low[-1] < path.mean[-1] < path.high[-1]
    # Random dates of the same assets know nothing of it.
    assert path.placebo_high[-1] < 0.005 < path.mean[-1]
    assert path.placebo_low[-1] < 0.002 < path.placebo_high[-1]
    assert (path.n, path.dates) == (60, 60)


def test_events_of_one_date_are_drawn_together():
    """Twenty assets that move as one tell no more than one of them does."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 0.01, 400)
    returns = np.tile(common[:, None], (1, 20))
    days = np.arange(30, 370, 17)
    alone = event_path(at(*((d, 0) for d in days)), returns, np.zeros(400), seed=0)
    all_of_them = at(*((d, i) for d in days for i in range(20)))
    together = event_path(all_of_them, returns, np.zeros(400), seed=0)
    np.testing.assert_allclose(together.high - together.low, alone.high - alone.low)
    band = together.placebo_high - together.placebo_low
    np.testing.assert_allclose(band, alone.placebo_high - alone.placebo_low)


def test_mean_is_over_events_where_the_return_is_known():
    returns = np.zeros((60, 2))
    returns[20, 0] = 0.02
    returns[20, 1] = np.nan
    path = event_path(at((20, 0), (20, 1)), returns, np.zeros(60), seed=0)
    assert path.before == pytest.approx(0.02)
    assert len(path.mean) == 2 * AROUND + 1


def test_strongest_tenth_either_way_is_one_event_an_asset_and_session():
    scores = np.concatenate([[-0.9, -0.8], np.zeros(16), [0.8, 0.9]])
    sessions = np.array([5, 5, *range(16), 7, 7])
    columns = np.array([0, 0, *[1] * 16, 2, 2])
    good, bad = strongest(scores, sessions, columns)
    assert (good.sessions.tolist(), good.columns.tolist()) == ([7], [2])
    assert (bad.sessions.tolist(), bad.columns.tolist()) == ([5], [0])


def test_ties_at_the_median_are_not_strong_and_contradictions_are_no_event():
    scores = np.concatenate([np.zeros(95), np.ones(5)])
    place = np.arange(100), np.zeros(100, dtype=np.int64)
    good, bad = strongest(scores, *place)
    assert good.sessions.tolist() == [95, 96, 97, 98, 99]
    assert len(bad) == 0
    scores = np.array([-1.0, *[0.0] * 8, 1.0])
    both = strongest(scores, np.zeros(10, dtype=np.int64), np.zeros(10, dtype=np.int64))
    assert [len(each) for each in both] == [0, 0]
