"""A smaller model opens like any other, and is what its method says."""

import pytest
import torch
from transformers import BertConfig, BertModel

from finstrat.errors import ConfigError
from finstrat.models.compress import Settings, compress, save_head
from finstrat.models.heads import Head
from finstrat.models.scratch import trained_tokenizer
from finstrat.models.trained import load_trained
from finstrat.text.encode import load_encoder

TEXTS = [f"profit rose {n}" for n in range(12)] + [f"loss fell {n}" for n in range(12)]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    directory = tmp_path / "model"
    tokenizer = trained_tokenizer(TEXTS, vocabulary=100)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=3,
        num_attention_heads=1, intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    weight = 10 * torch.randn(2, 32).double()
    Head(weight, torch.zeros(2).double(), ("negative", "positive"), {}).save(directory)
    return load_trained(directory, dtype="fp32")


def made(model, out, settings, texts=()):
    compress(model, settings, out, texts=texts)
    save_head(model, {}, out)
    return load_trained(out, dtype="fp32")


def gap(one, other):
    return float((one.probabilities(TEXTS) - other.probabilities(TEXTS)).abs().max())


def test_int8_is_under_half_the_size_even_here_and_hardly_moves_a_probability(model, tmp_path):
    small = made(model, tmp_path / "small", Settings("int8"))
    assert gap(model, small) < 0.05
    before = (model.directory / "model.safetensors").stat().st_size
    assert (small.directory / "packed.safetensors").stat().st_size < before / 2
    assert small.fingerprint != model.fingerprint


def test_pruned_weights_stay_zero_while_the_others_recover(model, tmp_path):
    raw = made(model, tmp_path / "raw", Settings("prune", share=0.6))
    quick = Settings("prune", share=0.6, epochs=20, batch=8, learning_rate=1e-3)
    recovered = made(model, tmp_path / "recovered", quick, TEXTS)
    layer = load_encoder(recovered.directory).encoder.layer[1].intermediate.dense.weight
    assert (layer == 0).float().mean().item() == pytest.approx(0.6, abs=0.01)
    apart = [1 - (model.vectors(TEXTS) * each.vectors(TEXTS)).sum(1).mean()
             for each in (raw, recovered)]  # fmt: skip
    assert apart[1] < apart[0]


def test_a_student_has_the_layers_asked_for_and_comes_near_its_teacher(model, tmp_path):
    quick = Settings("distil", layers=1, epochs=20, batch=8, learning_rate=1e-3)
    student = made(model, tmp_path / "student", quick, TEXTS)
    assert len(load_encoder(student.directory).encoder.layer) == 1
    assert gap(model, student) < 0.2


@pytest.mark.parametrize(
    ("settings", "texts", "told"),
    [
        (Settings("distil"), (), "--texts"),
        (Settings("distil", layers=3), TEXTS, "expected 1 to 2"),
        (Settings("prune", share=1.0), (), "--share"),
        (Settings("int8"), TEXTS, "only rounds"),
    ],
)
def test_what_cannot_be_is_refused(model, tmp_path, settings, texts, told):
    with pytest.raises(ConfigError, match=told):
        compress(model, settings, tmp_path / "out", texts=texts)
