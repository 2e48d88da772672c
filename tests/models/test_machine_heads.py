"""Heads of machines, forests and boosted trees: what they learn, store and say of one text."""

import json

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from finstrat.errors import DataError
from finstrat.models.folds import Moments, folds_of
from finstrat.models.machine_heads import load_machine_head, train_machine_head
from finstrat.models.trained import load_trained

CLASSES = ("down", "flat", "up")


@pytest.fixture(scope="module")
def sample():
    """Three clouds of unit vectors that overlap a little."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 40)
    centres = np.eye(12)[:3]
    rows = centres[truth] + rng.normal(0, 0.25, (120, 12))
    vectors = torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return vectors, [CLASSES[code] for code in truth], truth


@pytest.fixture(
    scope="module",
    params=[
        "svm",
        pytest.param("forest", marks=pytest.mark.slow),
        pytest.param("boosting", marks=pytest.mark.slow),
    ],
)
def trained(request, sample):
    vectors, labels, _ = sample
    return train_machine_head(vectors, labels, family=request.param, classes=CLASSES, seed=1)


def test_it_learns_and_its_card_says_how(trained, sample):
    vectors, _, truth = sample
    found = trained.probabilities(vectors).numpy()
    assert (found.argmax(axis=1) == truth).mean() > 0.95
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert trained.card["cross_validation"]["accuracy"] > 0.9
    assert trained.card["cross_validation"]["n"] == 120
    assert trained.card["training"]["by"] == "label"


def test_a_text_says_the_same_in_any_company(trained, sample):
    vectors = sample[0]
    whole = trained.probabilities(vectors)
    for rows in ([5], [119, 5, 3], list(range(60, 0, -1))):
        assert torch.equal(trained.probabilities(vectors[rows]), whole[rows])


def test_unknown_vector_is_unknown(trained, sample):
    vectors = sample[0][:3].clone()
    vectors[1, 4] = torch.nan
    found = trained.probabilities(vectors)
    assert found[1].isnan().all()
    assert not found[[0, 2]].isnan().any()


def test_stored_head_says_the_same_without_a_pickle(trained, sample, tmp_path):
    trained.save(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["card.json", "head.safetensors"]
    again = load_machine_head(tmp_path)
    assert again.fingerprint == trained.fingerprint
    assert torch.equal(again.probabilities(sample[0]), trained.probabilities(sample[0]))
    assert load_trained(tmp_path).classes == CLASSES


def test_machines_are_scikit_learns(sample):
    vectors, labels, truth = sample
    head = train_machine_head(vectors, labels, family="svm", classes=CLASSES, seed=1)
    setting = head.card["training"]["setting"]
    rows = (vectors.numpy() - vectors.numpy().mean(axis=0)) * np.sqrt(12)
    theirs = SVC(C=setting["C"], gamma=setting["gamma"] / 12).fit(rows, truth == 2)
    margin = head.machines[2].margin(rows)
    np.testing.assert_allclose(margin, theirs.decision_function(rows), atol=1e-10)


def test_damaged_head_is_refused(trained, tmp_path):
    trained.save(tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    card["classes"] = card["classes"][:2]
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match="names 2 classes"):
        load_trained(tmp_path)


def test_folds_by_time_hold_out_what_came_later():
    truth = np.tile([0, 1], 50)
    times = np.random.default_rng(0).permutation(100)
    folds = folds_of(truth, times=Moments(times), seed=0)
    assert len(folds) == 4
    for fit, hold in folds:
        assert times[fit].max() < times[hold].min()
    held = np.concatenate([hold for _, hold in folds])
    assert len(set(held.tolist())) == len(held) == 80


def test_texts_of_one_moment_are_not_divided_by_time():
    truth = np.tile([0, 1], 20)
    times = np.repeat([1, 2, 3, 4, 5, 6, 7, 8], 5)
    for fit, hold in folds_of(truth, times=Moments(times), seed=0):
        assert not set(times[fit]) & set(times[hold])


def test_texts_within_the_embargo_are_not_learnt_from():
    truth, days = np.tile([0, 1], 25), np.repeat(np.arange(10), 5)
    at = days * 86_400 * 10**9
    for fit, hold in folds_of(truth, times=Moments(at, embargo_days=1), seed=0):
        assert days[fit].max() == days[hold].min() - 2
    with pytest.raises(DataError, match="the 0 texts before it lack a class.*a shorter --embargo"):
        folds_of(truth, times=Moments(at, embargo_days=2), seed=0)


def test_too_few_days_for_folds_by_time_are_refused():
    with pytest.raises(DataError, match="use --folds stratified"):
        folds_of(np.tile([0, 1], 10), times=Moments(np.repeat([1, 2], 10)), seed=0)


def test_class_of_the_first_days_alone_is_refused_by_time():
    truth, times = np.array([0, 1, 2] + [0, 1] * 11), np.arange(25)
    with pytest.raises(DataError, match="no text after the first of 5 stretches"):
        folds_of(truth, times=Moments(times), seed=0)
