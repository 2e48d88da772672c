"""Streams of record batches: the same scores and sums as all of them at once."""

import pyarrow as pa
import pytest
import torch
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from hypothesis import given, settings
from hypothesis import strategies as st

from finstrat.text import ScoreCache, score_documents, score_stream
from finstrat.text.scoring import _CHUNKS

WORDS = ["Profit", "losses", "rose", "fell", "bankruptcy", "gains", "", "the table"]
BATCHES = st.lists(st.lists(st.sampled_from([*WORDS, None]), max_size=6), max_size=8)


def record_batch(texts):
    return pa.RecordBatch.from_pydict(
        {"n": range(len(texts)), "said": pa.array(texts, pa.string())}
    )


@settings(max_examples=50, deadline=None)
@given(BATCHES, st.integers(1, 12))
def test_stream_gives_the_scores_and_counts_of_all_at_once(batches, window):
    scorer = LoughranMcDonald()
    given_batches = [record_batch(texts) for texts in batches]
    parts = list(score_stream(scorer, iter(given_batches), column="said", window=window))
    whole = score_documents(scorer, [text or "" for texts in batches for text in texts])
    assert [part.batch for part in parts] == given_batches
    for part in parts:
        assert part.scored.texts == part.batch.num_rows == len(part.scored.values)
        assert part.scored.unique == part.scored.scored + part.scored.cached
    if parts:
        values = torch.cat([part.scored.values for part in parts])
        assert torch.equal(values.nan_to_num(7.0), whole.values.nan_to_num(7.0))
    assert sum(part.scored.empty for part in parts) == whole.empty
    assert sum(part.scored.unique for part in parts) >= whole.unique


def test_text_of_an_earlier_window_comes_from_the_cache(tmp_path):
    batches = [record_batch(["Profit rose", "losses"]), record_batch(["losses", "gains"])]
    with ScoreCache(tmp_path / "scores.sqlite") as cache:
        first, second = score_stream(
            LoughranMcDonald(), batches, column="said", window=2, cache=cache
        )
    assert (first.scored.scored, first.scored.cached) == (2, 0)
    assert (second.scored.scored, second.scored.cached) == (1, 1)


def test_repeated_text_counts_where_it_comes_first():
    batches = [record_batch(["losses"]), record_batch(["losses", "gains", "gains", ""])]
    first, second = score_stream(LoughranMcDonald(), batches, column="said")
    assert (first.scored.unique, second.scored.unique) == (1, 1)
    assert (first.scored.empty, second.scored.empty) == (0, 1)


def test_stream_reads_no_further_ahead_than_its_window():
    read = []

    def batches():
        for number in range(10):
            read.append(number)
            yield record_batch(["losses", "gains"])

    stream = score_stream(LoughranMcDonald(), batches(), column="said", window=4)
    next(stream)
    assert read == [0, 1]


class Slow(LoughranMcDonald):
    """Notes how many texts it gets at a time, and by its clock takes `pace` seconds a text."""

    def __init__(self, clock, pace):
        super().__init__()
        self.clock, self.pace, self.sizes = clock, pace, []

    def score(self, texts):
        self.sizes.append(len(texts))
        self.clock[0] += self.pace * len(texts)
        return super().score(texts)


@pytest.mark.parametrize(("pace", "last"), [(10.0, _CHUNKS[0]), (1e-6, _CHUNKS[1])])
def test_texts_between_two_writes_follow_the_scorers_pace(monkeypatch, pace, last):
    clock = [0.0]
    monkeypatch.setattr("finstrat.text.scoring.time.monotonic", lambda: clock[0])
    scorer = Slow(clock, pace)
    texts = [f"gains {number}" for number in range(20_000)]
    score_documents(scorer, texts)
    assert sum(scorer.sizes) == len(texts)
    assert scorer.sizes[-2] == last
