"""Weights that mattered for old texts are held, and old texts are read again."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from finstrat.errors import ConfigError, DataError
from finstrat.models.heads import Head
from finstrat.models.masked import padded
from finstrat.models.scratch import trained_tokenizer
from finstrat.models.trained import load_trained
from finstrat.models.update import Learner, Lesson, Settings, _batches, _Held, _tokens, update
from finstrat.text.encode import load_encoder

OLD = Lesson([f"profit rose {n}" for n in range(12)] + [f"loss fell {n}" for n in range(12)],
             np.repeat([1, 0], 12))  # fmt: skip
NEW = Lesson([f"rose again {n}" for n in range(8)] + [f"fell again {n}" for n in range(8)],
             np.repeat([0, 1], 8))  # fmt: skip
QUICK = Settings(replay=0.0, epochs=4, batch=8, learning_rate=1e-3, head_learning_rate=1e-2)


@pytest.fixture
def model(tmp_path):
    """A full model in one directory: a small encoder with a head."""
    torch.manual_seed(0)
    directory = tmp_path / "model"
    tokenizer = trained_tokenizer([*OLD.texts, *NEW.texts], vocabulary=100)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=1,
        num_attention_heads=1, intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    head = Head(torch.randn(2, 32).double(), torch.zeros(2).double(), ("negative", "positive"), {})
    head.save(directory)
    return load_trained(directory, dtype="fp32")


def test_the_learner_says_what_the_model_says(model):
    texts = OLD.texts[:3]
    learner = Learner(model).eval()
    with torch.inference_mode():
        for text, ids in zip(texts, _tokens(model.encoder, texts, limit=32), strict=True):
            chances = torch.softmax(learner(padded([ids], pad=0)), dim=1)
            assert torch.allclose(chances.double(), model.probabilities([text]), atol=1e-5)


def test_importance_is_the_mean_squared_gradient_by_hand(model):
    learner = Learner(model)
    held = _Held.of(learner, _tokens(model.encoder, OLD.texts, limit=32), QUICK)
    assert all((each >= 0).all() for each in held.importance.values())
    # Of a head of two classes every drawn class moves both biases by as much.
    bias = held.importance["head.bias"]
    assert bias[0] == pytest.approx(float(bias[1]), rel=1e-4)
    assert held.distance(learner) == 0
    with torch.no_grad():
        learner.head.bias += 2
    assert held.distance(learner).item() == pytest.approx(4 * bias.sum().item(), rel=1e-5)


def test_weights_that_matter_move_less_the_stronger_they_are_held(model, tmp_path):
    held = _Held.of(Learner(model), _tokens(model.encoder, OLD.texts, limit=32), QUICK)
    far = [
        held.distance(
            update(model, NEW, OLD, replace(QUICK, ewc=strength), work=tmp_path / str(strength))
        ).item()
        for strength in (0.0, 1e2, 1e4)
    ]
    assert far[0] > far[1] > far[2]


def test_old_texts_stand_among_the_new_by_their_share():
    rows = np.concatenate(_batches([5] * 100, 20, replace(QUICK, replay=0.5, epochs=1)))
    assert sorted(rows[rows < 20]) == list(range(20))
    assert (rows >= 20).sum() == 20
    two = _batches([5] * 100, 20, replace(QUICK, replay=0.5, epochs=2))
    again = [set(np.concatenate(each)) - set(range(20)) for each in (two[:5], two[5:])]
    assert again[0] != again[1]  # drawn anew


def test_a_stored_update_says_what_was_learnt(model, tmp_path):
    learner = update(model, NEW, OLD, QUICK, work=tmp_path / "work")
    learner.save(tmp_path / "out", card={"licence": "ours"})
    stored = load_trained(tmp_path / "out", dtype="fp32")
    assert stored.encoder == tmp_path / "out"
    before = model.probabilities(NEW.texts).numpy().argmax(axis=1)
    after = stored.probabilities(NEW.texts).numpy().argmax(axis=1)
    assert (after == NEW.targets).mean() > (before == NEW.targets).mean()


def test_what_cant_be_done_is_refused(model, tmp_path):
    with pytest.raises(DataError, match="no old texts"):
        update(model, NEW, Lesson.of_nothing(), replace(QUICK, ewc=1.0), work=tmp_path)
    with pytest.raises(ConfigError, match="--share 1"):
        Settings(replay=1.0)
    with pytest.raises(ConfigError, match="--ewc -1"):
        Settings(ewc=-1)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # by peft, as in update
def test_a_lora_learns_on_and_its_encoder_stays(model, tmp_path):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=["query", "value"])
    adapted = peft.get_peft_model(load_encoder(model.encoder), config)
    torch.manual_seed(1)
    for name, each in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(each, std=0.1)
    adapted.save_pretrained(tmp_path / "lora")
    model.head.save(tmp_path / "lora")
    given = load_trained(tmp_path / "lora", encoder=model.encoder, dtype="fp32")
    learner = update(given, NEW, OLD, replace(QUICK, ewc=10.0), work=tmp_path / "work")
    assert learner.kind == "lora"
    assert all("lora_" in name or name.startswith("head.") for name in learner.learning)
    learner.save(tmp_path / "out", card={})
    stored = load_trained(tmp_path / "out", encoder=model.encoder, dtype="fp32")
    assert stored.encoder == model.encoder
    moved = stored.vectors(NEW.texts) - given.vectors(NEW.texts)
    assert moved.abs().max() > 1e-4  # the adapter learnt, not the head alone
    assert {each.name for each in stored.directory.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "card.json", "head.safetensors",
    }  # fmt: skip
