"""Rules cap, set or veto what a scorer says of the documents that they are about."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from finstrat.errors import ConfigError
from finstrat.text.rules import Rule, documents_met, ruled

OUTPUTS = ("negative", "positive", "score")
TEXTS = ["Acme files for Chapter 11.", "ACME sued over a patent", "Acme rises", "", "Acme rises"]
KINDS = ["8-K", "news", "news", "news", "8-K"]
SCORES = torch.tensor(
    [
        [0.1, 0.9, 0.8],
        [0.9, 0.1, -0.8],
        [0.2, 0.8, 0.6],
        [torch.nan, torch.nan, torch.nan],
        [0.2, 0.8, 0.6],
    ]
)


def after(**rule):
    made = Rule(name="r", **rule)
    found = ruled(
        SCORES, [made], documents_met([made], TEXTS, KINDS), outputs=OUTPUTS, scorer="minilm"
    )
    return found.values[:, 2].numpy(), found.usage["r"]


def test_cap_lowers_only_what_lies_above_it_and_is_counted():
    score, usage = after(pattern="chapter 11|sued", at_most=0.0)
    np.testing.assert_array_equal(score, np.float32([0.0, -0.8, 0.6, np.nan, 0.6]))
    assert usage == {"met": 2, "changed": 1}


def test_floor_raises_what_lies_below_it():
    score, usage = after(event="litigation", at_least=-0.5)
    np.testing.assert_array_equal(score, np.float32([0.8, -0.5, 0.6, np.nan, 0.6]))
    assert usage == {"met": 1, "changed": 1}


def test_value_replaces_the_score_of_a_kind_and_words_together():
    score, usage = after(kind="8-K", pattern="rises", value=0.0)
    np.testing.assert_array_equal(score, np.float32([0.8, -0.8, 0.6, np.nan, 0.0]))
    assert usage == {"met": 1, "changed": 1}


def test_veto_makes_every_output_unknown():
    made = Rule(name="r", pattern="sued", veto=True)
    met = documents_met([made], TEXTS, KINDS)
    values = ruled(SCORES, [made], met, outputs=OUTPUTS, scorer="minilm").values
    assert values[1].isnan().all()
    assert torch.equal(values[[0, 2, 4]], SCORES[[0, 2, 4]])


def test_unknown_score_stays_unknown_and_the_scores_given_stay_as_they_were():
    given = SCORES.clone()
    score, usage = after(pattern="", value=1.0)
    assert np.isnan(score[3])
    assert usage == {"met": 4, "changed": 4}
    torch.testing.assert_close(SCORES, given, equal_nan=True, rtol=0, atol=0)


def test_later_rule_has_the_last_word():
    rules = [Rule(name="a", kind="8-K", value=1.0), Rule(name="b", pattern="11", at_most=-0.1)]
    met = documents_met(rules, TEXTS, KINDS)
    found = ruled(SCORES, rules, met, outputs=OUTPUTS, scorer="minilm")
    np.testing.assert_array_equal(found.values[[0, 4], 2].numpy(), np.float32([-0.1, 1.0]))


def test_output_that_the_scorer_lacks_is_named_with_those_it_has():
    with pytest.raises(ConfigError, match='no output "tone".*it has negative, positive, score'):
        after(kind="8-K", output="tone", value=0.0)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"value": 1.0}, "expected pattern, event or kind"),
        ({"kind": "news"}, "expected one of: at_most"),
        ({"kind": "news", "value": 1.0, "veto": True}, "expected one of: at_most"),
        ({"kind": "news", "at_most": 0.0, "at_least": 0.1}, "lies above"),
        ({"pattern": "(", "value": 1.0}, "no regular expression"),
        ({"event": "litigations", "value": 1.0}, 'did you mean "litigation"'),
    ],
)
def test_rule_that_says_too_little_or_too_much_is_refused(rule, told):
    with pytest.raises(ValidationError, match=told):
        Rule(name="r", **rule)
