"""The markets of the test kit hold what they promise."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from finstrat import features
from finstrat.components import Signal
from finstrat.testing import assert_causal
from finstrat.testing import synthetic_market as make
from finstrat.testing.synthetic import DELISTED, LATE


def correlation(a, b):
    known = ~(a.isnan() | b.isnan())
    return torch.corrcoef(torch.stack([a[known], b[known]]))[0, 1].item()


def test_texts_foretell_the_next_session_and_have_moved_their_own(synthetic_market):
    moves = features.returns(synthetic_market.inputs().prices(), 1)
    expected = synthetic_market.expected
    assert correlation(expected[:-1], moves[1:]) > 0.2
    assert correlation(expected, moves) > correlation(expected[:-1], moves[1:]) + 0.1
    assert abs(correlation(expected[:-3], moves[3:])) < 0.1


def test_the_same_seed_gives_the_same_market(synthetic_market):
    again = make(0)
    assert again.panel.digest() == synthetic_market.panel.digest()
    assert again.documents.digest() == synthetic_market.documents.digest()
    assert again.facts.digest() == synthetic_market.facts.digest()
    assert make(1).panel.digest() != again.panel.digest()


def test_it_has_what_real_data_have(synthetic_market):
    close = synthetic_market.panel.field("close")
    assert np.isnan(close[:LATE, 7]).all()
    assert np.isnan(close[DELISTED:, 6]).all()
    member = synthetic_market.panel.member
    assert (member[1:] != member[:-1]).any()
    sessions = synthetic_market.clock.first_session_to_know(synthetic_market.document_moments())
    dates = synthetic_market.documents.known_at.astype("datetime64[D]")
    inside = sessions < len(synthetic_market.clock)
    assert (synthetic_market.clock.sessions[sessions[inside]] > dates[inside]).mean() > 0.2
    assert set(synthetic_market.facts.frame["version"]) == {1, 2}


def test_the_real_market_is_real(real_market):
    sessions, assets = real_market.panel.shape
    assert sessions > 300
    assert assets == 20
    assert "AAPL" in real_market.panel.assets
    if len(real_market.documents):
        assert set(real_market.documents.frame()["kind"]) <= {"tweet", "retweet"}


class Peek(Signal):
    """Tomorrow's return."""

    name = "peek"
    version = "1"

    def compute(self, inputs):
        moves = features.returns(inputs.prices(), 1)
        return torch.cat([moves[1:], torch.full_like(moves[:1], torch.nan)])


class Nothing(Signal):
    """No opinion."""

    name = "nothing"
    version = "1"

    def compute(self, inputs):
        return torch.full(inputs.shape, torch.nan, dtype=torch.float64)


def test_a_leak_is_an_assertion_error_with_date_asset_and_both_values():
    with pytest.raises(AssertionError, match=r'signal "peek", version 1: failed') as raised:
        assert_causal(Peek())
    assert "prefix: failed: value on 2015-" in str(raised.value)
    assert "and became unknown when the data ended with" in str(raised.value)


def test_what_could_not_be_decided_is_no_pass():
    with pytest.raises(AssertionError, match="inconclusive: value: unknown throughout"):
        assert_causal(Nothing())


def test_the_pytest_plugin_imports_nothing_heavy():
    code = (
        "import sys, finstrat.testing.plugin\n"
        "heavy = {'torch', 'pandas', 'numpy', 'numba', 'sklearn', 'vectorbt', 'transformers'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
