"""Integrated gradients: exact where the model is linear, complete where it is a real one."""

import pytest
import torch
from finstrat_plugins.scorers.minilm import MiniLMSentiment

from finstrat.errors import ConfigError
from finstrat.models.deletion import ALL, faithfulness
from finstrat.models.integrated import Attribution, attributions
from finstrat.text.differentiable import Tokens

pytest.importorskip("captum")

TEXTS = [
    "Profit rose sharply and the outlook was raised.",
    "The company issued a profit warning and its shares plunged.",
    "Net sales were EUR 9.1 mn, compared with EUR 8.7 mn a year ago.",
    "The annual general meeting will be held in Helsinki on Tuesday.",
    "It cut hundreds of jobs after heavy losses.",
    "Orders jumped to a record and margins improved.",
]


class Sum(torch.nn.Module):
    """The sum of three embeddings of one number each: every token's effect is its own."""

    outputs = ("score",)
    blank = 0

    def __init__(self):
        super().__init__()
        table = torch.tensor([[0.0], [1.0], [-3.0]])
        self.embeddings = torch.nn.Embedding.from_pretrained(table)

    def forward(self, ids, mask):
        return (self.embeddings(ids)[..., 0] * mask).sum(dim=1, keepdim=True)

    def read(self, text):
        ids = tuple(len(word) for word in text.split())
        return Tokens(text, ids, ((0, 1),) * len(ids), (False,) * len(ids), cut=False)

    def values(self, rows):
        return torch.cat([self(torch.tensor([row]), torch.ones(1, len(row))) for row in rows])


@pytest.fixture(scope="module")
def model():
    return MiniLMSentiment({"dtype": "fp32"}).differentiable()


@pytest.fixture(scope="module")
def found(model):
    return attributions(model, TEXTS)


def test_effects_of_a_sum_are_its_terms():
    (each,) = attributions(Sum(), ["a bb a"], output="score", steps=2)
    assert each.effects == pytest.approx((1.0, -3.0, 1.0))
    assert (each.value, each.blank, each.complete) == (-1.0, 0.0, True)


def test_differentiable_model_answers_as_the_scorer_does(model):
    scorer = MiniLMSentiment({"dtype": "fp32"})
    values = model.values([model.read(text).ids for text in TEXTS])
    assert torch.allclose(values, scorer.score(TEXTS).double(), atol=1e-4)


def test_effects_sum_to_the_change_of_the_output(found):
    assert all(each.complete for each in found)
    for each in found:
        assert sum(each.effects) - (each.value - each.blank) == pytest.approx(each.residual)
    assert max(abs(each.residual) for each in found) < 0.05


def test_models_own_tokens_have_no_effect(found):
    for each in found:
        assert [e for e, own in zip(each.effects, each.tokens.own, strict=True) if own] == [0, 0]


def test_what_the_scorer_writes_into_a_text_is_explained(found):
    assert found[2].tokens.text.count("(up)") == 1


def test_steps_too_few_leave_an_attribution_incomplete():
    tokens = Tokens("x", (1,), ((0, 1),), (False,), cut=False)
    each = Attribution(tokens, (0.5,), "score", value=0.9, blank=0.1, residual=-0.3, steps=512)
    assert not each.complete
    assert each.share == pytest.approx(0.375)


def test_unknown_output_is_refused(model):
    with pytest.raises(ConfigError, match="positive"):
        attributions(model, TEXTS[:1], output="positiv")


def test_named_tokens_matter_more_than_random_ones(model, found):
    figures = faithfulness(model, [found[0], found[1], *found[4:], found[2]], seed=0).by_answer
    comprehensiveness, at_random, gain = (figure.value for _, figure in figures[ALL][:3])
    assert gain == pytest.approx(comprehensiveness - at_random)
    assert gain > 0


def test_deleting_terms_of_a_sum_takes_them_away():
    model = Sum()
    found = attributions(model, ["a a bb a a"] * 5, output="score", steps=2)
    figures = faithfulness(model, found, seed=0).by_answer[ALL]
    # f = 1, below blank 0? no: 4 - 3 = 1. Best tokens first: 1, 1, 1, 1, -3; of five, shares take
    # 1, 1, 1, 1 and 2 of them away, or keep them.
    assert figures[0][1].value == pytest.approx((4 * 1 + 2) / 5)
    assert figures[3][1].value == pytest.approx((4 * (1 - 1) + (1 - 2)) / 5)
