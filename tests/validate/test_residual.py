import numpy as np
import torch

from finstrat import features
from finstrat.validate.residual import FEWEST, beyond_past_returns


def walk(rows, columns, seed=0):
    moves = np.random.default_rng(seed).normal(0, 0.01, (rows, columns))
    return torch.from_numpy(100 * np.exp(moves.cumsum(axis=0)))


def test_signal_made_of_past_returns_leaves_nothing_across_assets():
    close = walk(80, 30)
    signal = 3 * features.returns(close, 5) - features.returns(close, 1) + 2
    left = beyond_past_returns(signal, close)
    assert left[:21].isnan().all()
    assert left[21:].abs().max() < 1e-12


def test_what_past_returns_do_not_explain_stays_across_assets():
    close = walk(80, 30)
    own = torch.from_numpy(np.random.default_rng(1).normal(size=(80, 30)))
    left = beyond_past_returns(own + 5 * features.returns(close, 5), close)
    both = torch.stack([left[40], own[40]])
    assert torch.corrcoef(both)[0, 1] > 0.9


def test_mood_made_of_the_markets_past_keeps_only_its_mean():
    close = walk(400, 5)
    daily = features.returns(close, 1).nanmean(dim=1).nan_to_num(nan=0.0)
    level = (1 + daily).cumprod(dim=0).unsqueeze(1)
    mood = 2 * features.returns(level, 5).squeeze(1) + 0.3
    left = beyond_past_returns(mood, close)
    known = ~left.isnan()
    assert int(known.sum()) == 400 - 21 - FEWEST + 1
    start = mood[:21].nan_to_num().sum()
    count = (torch.arange(400) - 20).clamp(min=1)
    mean_so_far = (mood.nan_to_num().cumsum(0) - start) / count
    assert torch.allclose(left[known], mean_so_far[known], atol=1e-9)


def test_row_uses_rows_up_to_its_own_only():
    close, mood = walk(300, 5), torch.from_numpy(np.random.default_rng(2).normal(size=300))
    whole = beyond_past_returns(mood, close)
    part = beyond_past_returns(mood[:200], close[:200])
    assert torch.allclose(whole[:200], part, equal_nan=True, rtol=0, atol=1e-12)
