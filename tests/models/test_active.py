"""The next text to label is doubtful, unlike those already labelled, and like many others."""

import numpy as np
import pytest

from finstrat.errors import DataError
from finstrat.models.active import Queue, density, doubt


def unit(*angles):
    return np.array([[np.cos(a), np.sin(a)] for a in np.radians(angles)])


def test_doubt_is_one_less_the_lead_of_the_likeliest_class():
    found = doubt(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.6, 0.3, 0.1]]))
    assert found == pytest.approx([1.0, 0.0, 0.7])


def test_density_is_the_mean_cosine_with_the_nearest_others():
    vectors = unit(0, 60, 90)
    cosines = np.cos(np.radians([60, 90, 30]))
    expected = [cosines[[0, 1]].mean(), cosines[[0, 2]].mean(), cosines[[1, 2]].mean()]
    assert density(vectors) == pytest.approx(expected)
    assert density(unit(5)).tolist() == [1.0]


def test_without_a_model_the_first_stands_for_many_and_the_next_is_unlike_it():
    queue = Queue(unit(0, 2, 4, 60, 65), ("a", "b"))
    order = []
    while (place := queue.next()) is not None:
        order.append(place)
        queue.answer(place, "a")
    assert order[0] == 2
    assert order[1] in {3, 4}
    assert queue.left == 0


def test_given_model_chooses_what_it_cannot_tell():
    prior = np.array([[0.9, 0.1], [0.5, 0.5], [0.99, 0.01]])
    queue = Queue(unit(0, 45, 90), ("a", "b"), prior=prior)
    assert queue.next() == 1
    queue.answer(1, "a")
    assert queue.next() == 0  # both are as far; the model is less sure of the first


def test_own_labels_choose_once_there_are_enough_of_every_class():
    # Three of each class at both ends; of the two that wait, the one between them can't be told.
    angles = (0, 5, 10, 80, 85, 90, 45, 20)
    queue = Queue(unit(*angles), ("a", "b"), prior=np.full((8, 2), 0.5))
    for place in range(6):
        queue.answer(place, "a" if place < 3 else "b")
    assert queue.next() == 6


def test_undo_brings_the_last_text_back():
    queue = Queue(unit(0, 90), ("a", "b"))
    first = queue.next()
    queue.answer(first, None)
    assert queue.left == 1
    assert queue.undo() == first
    assert queue.next() == first
    assert queue.undo() is None


def test_strange_label_is_refused():
    with pytest.raises(DataError, match="expected one of: a, b"):
        Queue(unit(0), ("a", "b")).answer(0, "c")
