import pytest
import torch
from finstrat_plugins.scorers.vader import Vader

from finstrat.errors import DataError

pytest.importorskip("vaderSentiment", reason="needs the extra `vader`")


def test_scores_are_those_that_vaders_authors_publish():
    # From the README of vaderSentiment.
    scores = Vader().score(["VADER is smart, handsome, and funny.", "Today SUX!"])
    assert scores[0].tolist() == pytest.approx([0.0, 0.254, 0.746, 0.8316])
    assert scores[1].tolist() == pytest.approx([0.779, 0.221, 0.0, -0.5461])


def test_emoji_speak_and_a_text_without_any_word_is_unknown():
    scores = Vader().score(["💘", "", "the table"])
    assert scores[0, -1] > 0
    assert scores[1].isnan().all()
    assert scores[2, -1] == 0


def test_score_depends_on_its_text_alone():
    texts = ["Great profit!", "A terrible loss.", "Tuesday"]
    alone = torch.cat([Vader().score([text]) for text in texts])
    assert torch.equal(Vader().score(texts[::-1]), alone.flip(0))


def test_missing_package_is_named(without):
    without("vaderSentiment")
    from finstrat_plugins.scorers import vader

    vader._analyzer.cache_clear()
    with pytest.raises(DataError, match=r"pip install \"finstrat\[vader\]\""):
        Vader().score(["x"])
