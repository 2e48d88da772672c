import torch
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from finstrat_plugins.scorers.lexicon_context import LexiconInContext


def test_polarity_is_of_the_mentions_and_shares_are_of_the_words():
    scorer = LexiconInContext()
    scores = scorer.score(["Profit rose sharply", "Sales fell, but the loss narrowed", "Tuesday"])
    assert scores[0].tolist() == [torch.tensor(1 / 3).item(), 0.0, 1.0]
    assert scores[1, 2] == 0
    assert scores[2].tolist() == [0.0, 0.0, 0.0]


def test_text_without_words_is_unknown_and_companions_do_not_matter():
    scorer = LexiconInContext()
    scores = scorer.score(["", "12 %", "利润上升", "Profit rose"])
    assert scores[:3].isnan().all()
    assert torch.equal(scores[3:], scorer.score(["Profit rose"]))


def test_context_tells_apart_what_the_plain_lists_cannot():
    good, bad = "Operating loss narrowed to EUR 3 mn.", "Net sales fell by 8 %."
    context, plain = LexiconInContext().score([good, bad]), LoughranMcDonald().score([good, bad])
    assert context[:, -1].tolist() == [1, -1]
    assert plain[:, -1].tolist() == [-1, 0]


def test_card_says_when_the_rules_were_written():
    card = LexiconInContext().card
    assert card.training_cutoff > LoughranMcDonald().card.training_cutoff
    assert "rules" in card.cutoff_reason
