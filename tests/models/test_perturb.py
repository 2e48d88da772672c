"""Changes of texts: what they do by themselves, and what cleaning makes of them."""

import numpy as np
import pytest
from finstrat_plugins.scorers.vader import Vader

from finstrat.models.perturb import (
    KINDS,
    capitals,
    invisible,
    lookalikes,
    negation,
    robustness,
    typos,
)
from finstrat.text.clean import clean, cleaned

TEXT = "Strong profit growth was reported by Nokia"


def rng(seed=0):
    return np.random.default_rng(seed)


def test_typo_changes_over_two_letters_of_a_word():
    changed = typos(TEXT, rng())
    assert changed != TEXT
    assert sorted(changed) == sorted(TEXT)
    assert [len(word) for word in changed.split()] == [len(word) for word in TEXT.split()]


def test_lookalikes_are_flagged_by_cleaning_and_stay():
    changed = lookalikes(TEXT, rng())
    assert cleaned(changed).mixed_script >= 1
    assert clean(changed) == changed != TEXT


def test_invisible_signs_are_taken_back_by_cleaning():
    changed = invisible(TEXT, rng())
    assert changed != TEXT
    assert clean(changed) == TEXT


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        (TEXT, "Strong profit growth was not reported by Nokia"),
        ("PROFIT HAS RISEN", "PROFIT HAS NOT RISEN"),
        ("Nokia wins order", "It is not true that Nokia wins order"),
        ("Profit was not reported", None),
    ],
)
def test_negation_follows_the_first_auxiliary(text, negated):
    assert negation(text, rng()) == negated


def test_capitals():
    assert capitals("Nokia", rng()) == "NOKIA"


def test_changes_depend_on_seed_and_text_alone():
    pytest.importorskip("vaderSentiment")
    texts = [TEXT, "Good news for shareholders", "A terrible loss", "It fell", "Great results", ""]
    first, again = (robustness(Vader(), texts, seed=1) for _ in range(2))
    assert first == again
    assert [each.kind for each in first] == list(KINDS)
    hidden = next(each for each in first if each.kind == "invisible signs")
    assert hidden.undone == hidden.texts == 5  # the sixth is empty
    turned = next(each for each in first if each.kind == "negation")
    assert turned.movement.value > 0
