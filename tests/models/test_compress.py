"""A smaller model opens like any other, and is what its method says."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from finstrat.errors import ConfigError
from finstrat.models.compress import Settings, compress, save_head
from finstrat.models.head_importance import importance, most_important
from finstrat.models.heads import Head
from finstrat.models.imitate import Imitation
from finstrat.models.scratch import trained_tokenizer
from finstrat.models.trained import load_trained
from finstrat.text.attention_heads import heads_of
from finstrat.text.encode import load_encoder

TEXTS = [f"profit rose {n}" for n in range(12)] + [f"loss fell {n}" for n in range(12)]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    directory = tmp_path / "model"
    tokenizer = trained_tokenizer(TEXTS, vocabulary=100)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=3,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    weight = 10 * torch.randn(2, 32).double()
    Head(weight, torch.zeros(2).double(), ("negative", "positive"), {}).save(directory)
    return load_trained(directory, dtype="fp32")


def made(model, out, settings, texts=()):
    compress(model, settings, out, work=out.with_suffix(".work"), texts=texts)
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


def test_a_heads_importance_is_the_loss_of_imitation_without_it(model):
    encoder = load_encoder(model.encoder)
    imitation = Imitation(model, TEXTS, max_tokens=32)
    found = importance(encoder, imitation)
    assert [len(each) for each in found] == [4, 4, 4]
    encoder.encoder.layer[1].attention.output.dense.weight.data[:, 16:24] = 0.0
    batch = imitation.batch(np.arange(len(TEXTS)), pad=0)
    with torch.inference_mode():
        by_hand = float(imitation.loss(encoder, batch))
    assert found[1][2] == pytest.approx(by_hand, rel=1e-3)
    assert by_hand > 1e-6


def test_the_least_important_heads_of_all_layers_go_and_each_layer_keeps_one():
    found = [np.array([0.5, 0.1, 0.3]), np.array([0.02, -0.01, 0.01]), np.array([0.4, 0.2, 0.6])]
    assert most_important(found, share=1 / 3) == [[0, 2], [0], [0, 1, 2]]
    assert most_important(found, share=2 / 3) == [[0], [0], [2]]
    with pytest.raises(ConfigError, match="of 9 heads that is 7; expected 1 to 6"):
        most_important(found, share=0.8)
    with pytest.raises(ConfigError, match="of 9 heads that is 0"):
        most_important(found, share=0.01)


def test_heads_are_taken_out_and_the_rest_comes_near_the_model(model, tmp_path):
    quick = Settings("heads", share=0.5, epochs=20, batch=8, learning_rate=1e-3)
    small = made(model, tmp_path / "small", quick, TEXTS)
    kept = heads_of(load_encoder(small.directory).config)
    assert sum(map(len, kept)) == 6
    assert gap(model, small) < 0.2
    student = made(small, tmp_path / "student", Settings("distil", layers=1, epochs=1), TEXTS)
    assert heads_of(load_encoder(student.directory).config) == [kept[2]]


@pytest.mark.parametrize("method", ["prune", "heads"])
def test_a_training_that_was_broken_off_ends_with_the_same_weights(model, tmp_path, method):
    settings = Settings(method, epochs=3, batch=8)

    def stop(said, done, total):
        if said == "imitating the model" and done == 5:
            assert total == 9
            raise KeyboardInterrupt

    out, work = tmp_path / "out", tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        compress(model, settings, out, work=work, texts=TEXTS, progress=stop)
    assert not out.exists()
    with pytest.raises(ConfigError, match="of other texts or options"):
        compress(model, settings, out, work=work, texts=TEXTS[1:])
    said = []
    compress(model, settings, out, work=work, texts=TEXTS, progress=lambda *told: said.append(told))
    assert [done for what, done, _ in said if what == "imitating the model"] == [4, 5, 6, 7, 8, 9]
    compress(model, settings, tmp_path / "whole", work=tmp_path / "other", texts=TEXTS)
    one, other = ((each / "packed.safetensors").read_bytes() for each in (out, tmp_path / "whole"))
    assert one == other


@pytest.mark.parametrize(
    ("settings", "texts", "told"),
    [
        (Settings("heads"), (), "--texts"),
        (Settings("heads", share=0.9), TEXTS, "each layer keeps one"),
        (Settings("distil"), (), "--texts"),
        (Settings("distil", layers=3), TEXTS, "expected 1 to 2"),
        (Settings("prune", share=1.0), (), "--share"),
        (Settings("int8"), TEXTS, "only rounds"),
    ],
)
def test_what_cannot_be_is_refused(model, tmp_path, settings, texts, told):
    with pytest.raises(ConfigError, match=told):
        compress(model, settings, tmp_path / "out", work=tmp_path / "work", texts=texts)
