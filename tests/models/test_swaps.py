"""Names swapped, scored by a scorer whose opinion of each name is known."""

import pandas as pd
import pytest
import torch

from finstrat.components import Scorer
from finstrat.data.entities import Entities
from finstrat.models.swaps import swaps

TABLE = Entities.from_frame(
    pd.DataFrame({"asset": ["AA", "BB", "CC"], "alias": ["Alcoa", "Bebida", "Cemex"]}), where="t"
)


class Prejudiced(Scorer):
    """0.3 for whoever writes of Bebida, besides 0.1 a word."""

    name = "prejudiced"
    version = "1"
    outputs = ("score",)
    fingerprint = "x"
    card = None

    def score(self, texts):
        words = [0.1 * len(text.split()) for text in texts]
        told = [0.3 * ("Bebida" in text or "$BB" in text) for text in texts]
        return torch.tensor([[a + b - 0.5] for a, b in zip(words, told, strict=True)])


TEXTS = [
    "Alcoa rises",
    "Shares of Cemex fall today",
    "Bebida says that Bebida pays",
    "$AA is up",
    "Cemex cuts",
    "nobody is named here",
]


def test_a_prejudice_is_found_and_told_apart():
    found = swaps(Prejudiced(), TEXTS, TABLE, seed=0)
    assert found.texts == 5
    effects = {name: figure.value for name, figure in found.effects}
    assert effects == pytest.approx({"Bebida": 0.2, "Alcoa": -0.1, "Cemex": -0.1})
    assert found.effects[-1][0] == "Bebida"
    assert found.effects[-1][1].ci[0] > 0
    assert found.spread.value == pytest.approx(0.3)


def test_flips_count_other_names_only():
    found = swaps(Prejudiced(), TEXTS, TABLE, seed=0)
    # Two words: -0.3, with Bebida 0.0: neutral; three: -0.2 to 0.1; five: 0.0 to 0.3.
    # Each text of another name flips under Bebida alone, Bebida's own under both others.
    assert found.flips.value == pytest.approx((0.5 + 0.5 + 1 + 0.5 + 0.5) / 5)


def test_texts_without_names_say_nothing():
    assert swaps(Prejudiced(), TEXTS[-1:], TABLE, seed=0) is None
