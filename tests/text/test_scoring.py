import sqlite3

import numpy as np
import pytest
import torch
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from finstrat_plugins.scorers.minilm import MiniLMSentiment

from finstrat.text import ScoreCache, clean, score_documents

TEXTS = [
    "Profit rose sharply in the third quarter.",
    "The company filed for bankruptcy after heavy losses.",
    "The annual meeting is on Tuesday.",
    "Shares fall.",
    "Shares rise.",
    "Great work everybody, thank you!",
]


@pytest.fixture(scope="module")
def scorer():
    return MiniLMSentiment()


@pytest.fixture(scope="module")
def alone(scorer):
    return torch.cat([scorer.score([text]) for text in TEXTS])


@pytest.mark.parametrize("seed", range(5))
def test_score_depends_on_its_text_alone_bit_for_bit(scorer, alone, seed):
    rows = np.random.default_rng(seed).integers(0, len(TEXTS), 40)
    together = scorer.score([TEXTS[row] for row in rows])
    assert torch.equal(together, alone[rows])


def test_good_news_scores_above_bad_news(alone):
    assert alone[0, -1] > alone[2, -1] > alone[1, -1]
    assert torch.allclose(alone[:, :3].sum(dim=1), torch.ones(len(TEXTS)))


def test_second_scoring_scores_nothing_and_gives_the_same_bits(scorer, tmp_path):
    with ScoreCache(tmp_path / "scores.sqlite") as cache:
        first = score_documents(scorer, [*TEXTS, TEXTS[0], ""], cache=cache)
        second = score_documents(scorer, [*TEXTS, TEXTS[0], ""], cache=cache)
    assert (first.scored, first.unique, first.empty) == (len(TEXTS), len(TEXTS), 1)
    assert (second.scored, second.cached) == (0, len(TEXTS))
    assert torch.equal(first.values[:-1], second.values[:-1])
    assert first.values[-1].isnan().all()


def test_half_precision_scores_are_the_same_fresh_cached_or_without_a_cache(tmp_path):
    class Halved(LoughranMcDonald):
        precision = "fp16"

    texts = ["gain gain loss", "loss loss loss gain", "profitable"]
    with ScoreCache(tmp_path / "scores.sqlite") as cache:
        fresh = score_documents(Halved(), texts, cache=cache)
        full = score_documents(LoughranMcDonald(), texts, cache=cache)
        cached = score_documents(Halved(), texts, cache=cache)
    alone = score_documents(Halved(), texts)
    assert (fresh.scored, full.scored, cached.scored) == (3, 3, 0)
    assert torch.equal(fresh.values, cached.values)
    assert torch.equal(fresh.values, alone.values)
    assert not torch.equal(fresh.values, full.values)
    assert torch.allclose(fresh.values, full.values, atol=1e-3)


def test_damaged_row_is_computed_anew(tmp_path):
    scorer, path = LoughranMcDonald(), tmp_path / "scores.sqlite"
    with ScoreCache(path) as cache:
        first = score_documents(scorer, TEXTS, cache=cache)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE scores SET value = randomblob(length(value))")
    connection.close()
    with ScoreCache(path) as cache:
        second = score_documents(scorer, TEXTS, cache=cache)
    assert second.scored == len(TEXTS)
    assert torch.equal(first.values, second.values)


def test_cleaning_unescapes_normalises_and_drops_what_is_not_seen():
    assert clean("A&amp;B\u200b  ﬁne\x00") == "A&B fine"


def test_lexicon_counts_listed_words():
    good, bad, none = LoughranMcDonald().score(["profitable gains", "losses", "the table"])
    assert good[-1] > 0 > bad[-1]
    assert none[-1] == 0


@pytest.mark.parametrize("component", [MiniLMSentiment, LoughranMcDonald])
def test_card_states_data_licence_and_cutoff(component):
    card = component().card
    assert card.training_data
    assert card.licence
    assert card.training_cutoff is not None
    assert card.cutoff_reason
