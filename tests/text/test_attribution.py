import math

import pytest
import torch
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from finstrat_plugins.scorers.lexicon_context import LexiconInContext

from finstrat.text.attribution import Word, effects_on_mean, word_effects

NAN = math.nan


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_an_effect_is_the_mean_less_the_mean_without_the_document():
    # Weights 1, ½ and ½: the mean of 1, 0, -1 is (1 - ½) / 2.
    effects = effects_on_mean(
        tensor(1.0, 0.0, -1.0), tensor(1.0, 1.0, 0.5), tensor(0, 1, 0), half_life=1.0
    )
    assert effects.tolist() == pytest.approx([0.25 + 0.5, 0.25 - 0.5 / 1.5, 0.25 - 1.0 / 1.5])


def test_what_does_not_count_has_no_effect_and_no_weight():
    effects = effects_on_mean(
        tensor(1.0, NAN, 5.0, 3.0), tensor(1.0, 1.0, NAN, 1.0), tensor(0, 0, 0, -1), half_life=1.0
    )
    assert effects[0] == 1.0
    assert effects[1:].isnan().all()


def test_a_list_of_words_names_its_words_with_equal_parts():
    text = "A loss, but not a good one."
    words = word_effects(LoughranMcDonald(), text, output=2)
    assert [(text[each.start : each.end], each.effect) for each in words] == [
        ("loss", -0.5),
        ("good", -0.5),
    ]
    assert sum(each.effect for each in words) == LoughranMcDonald().score([text])[0, 2]


def test_words_whose_places_capitals_would_move_are_left_out_in_turn():
    text = "ﬁne loss"
    words = word_effects(LoughranMcDonald(), text, output=2)
    assert [text[each.start : each.end] for each in words] == ["loss"]


class Shouting(LoughranMcDonald):
    """Counts exclamation marks, as a scorer that says nothing of words."""

    name = "shouting"

    def words_behind(self, text):
        return None

    def score(self, texts):
        return torch.tensor([[0.0, 0.0, float(text.count("!"))] for text in texts])


def test_any_other_scorer_is_asked_again_without_each_word():
    assert word_effects(Shouting(), "so !! far !", output=2) == [
        Word(3, 5, 2.0),
        Word(10, 11, 1.0),
    ]
    assert word_effects(Shouting(), "alone!", output=2) == []


def test_words_in_context_show_by_being_left_out():
    text = "Costs fell in the quarter"
    scorer = LexiconInContext()
    output = len(scorer.outputs) - 1
    found = {text[each.start : each.end] for each in word_effects(scorer, text, output=output)}
    assert {"Costs", "fell"} >= found
    assert found
