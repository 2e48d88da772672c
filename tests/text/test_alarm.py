import numpy as np
import pytest

from finstrat.data.documents import Wording
from finstrat.text import alarm

FEW = {"min_uses": 1, "min_posts": 2}


def moving_probability(texts, sessions, moved, **options):
    return alarm.moving_probability(
        Wording(texts, np.arange(len(texts))), sessions, moved, **options
    )


def test_probability_is_that_of_naive_bayes_on_what_followed_earlier_posts():
    moved = np.array([np.nan, 1.0, 0.0])
    texts, sessions = ["tariffs", "golf", "tariffs"], np.array([0, 1, 2])
    found = moving_probability(texts, sessions, moved, **FEW)
    # One post each before a move and before none; "tariffs" 2/3 against 1/3 with add-one smoothing.
    np.testing.assert_allclose(found, [np.nan, np.nan, 2 / 3])


def test_post_is_never_judged_by_the_move_that_follows_it():
    texts, sessions = ["tariffs", "golf", "tariffs", "golf"], np.array([0, 1, 2, 3])
    calm = moving_probability(texts, sessions, np.array([np.nan, 1.0, 0.0, 0.0]), **FEW)
    wild = moving_probability(texts, sessions, np.array([np.nan, 1.0, 0.0, 1.0]), **FEW)
    assert calm[2] == wild[2]
    assert calm[3] < wild[3]


def test_text_without_a_known_word_gets_the_base_rate():
    moved = np.array([np.nan, 1.0, 0.0, 0.0])
    found = moving_probability(["a1", "b1", "c1", "zz"], np.array([0, 1, 2, 3]), moved, **FEW)
    assert found[3] == pytest.approx(1 / 3)


def test_unknown_move_teaches_nothing_and_late_posts_are_unknown():
    moved = np.array([np.nan, 1.0, np.nan, 0.0])
    found = moving_probability(["x1", "y1", "x1"], np.array([0, 1, 4]), moved, **FEW)
    assert np.isnan(found).all()
