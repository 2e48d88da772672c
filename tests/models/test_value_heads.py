"""Heads that tell a number: what they learn, store and say of one text."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from finstrat.errors import DataError
from finstrat.models.folds import Moments
from finstrat.models.trained import load_trained
from finstrat.models.value_heads import VALUE, as_json, figures, train_value_head


@pytest.fixture(scope="module")
def sample():
    """Unit vectors, and a number that their first direction tells, around 40."""
    rows = np.random.default_rng(0).normal(size=(120, 12))
    vectors = torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return vectors, 40.0 + 10.0 * vectors[:, 0].numpy()


@pytest.fixture(
    scope="module",
    params=[
        "ridge",
        "svm",
        pytest.param("forest", marks=pytest.mark.slow),
        pytest.param("boosting", marks=pytest.mark.slow),
    ],
)
def trained(request, sample):
    vectors, values = sample
    return train_value_head(vectors, values, family=request.param, seed=1)


def test_it_learns_and_its_card_says_how_far_it_is_off(trained, sample):
    vectors, values = sample
    assert figures(trained.values(vectors).numpy(), values)["spearman"] > 0.95
    told = trained.card["cross_validation"]
    assert told["n"] == 120
    assert told["rmse"] < values.std()
    assert trained.classes == (VALUE,)


def test_stored_head_says_the_same_of_a_text_in_any_company(trained, sample, tmp_path):
    trained.save(tmp_path)
    again = load_trained(tmp_path)
    assert again.task == "regression"
    assert again.head.fingerprint == trained.fingerprint
    whole = trained.values(sample[0])
    for rows in ([5], [119, 5, 3]):
        assert torch.equal(again.head.values(sample[0][rows]), whole[rows])
    holed = sample[0][:2].clone()
    holed[1, 3] = torch.nan
    assert again.head.values(holed).isnan().tolist() == [False, True]


def test_ridge_is_scikit_learns_in_the_units_of_the_vectors(sample):
    vectors, values = sample
    head = train_value_head(vectors, values, family="ridge", seed=0)
    alpha = head.card["training"]["setting"]["alpha"]
    theirs = Ridge(alpha=alpha / 12).fit(vectors.numpy(), values)
    np.testing.assert_allclose(head.values(vectors), theirs.predict(vectors.numpy()), atol=1e-9)


def test_folds_by_time_judge_what_came_after_the_first_stretch(sample):
    vectors, values = sample
    days = Moments(np.arange(120) * 86_400 * 10**9, embargo_days=3)
    card = train_value_head(vectors, values, family="ridge", seed=0, times=days).card
    assert card["cross_validation"]["n"] == 96
    assert card["training"]["embargo_days"] == 3


def test_figures_by_hand():
    found = figures(np.array([1.0, 2.0, 4.0]), np.array([1.0, 4.0, 3.0]))
    assert found["rmse"] == pytest.approx((5 / 3) ** 0.5)
    assert found["mae"] == pytest.approx(1.0)
    assert found["spearman"] == pytest.approx(0.5)
    assert as_json(np.ones(3), np.arange(3.0))["spearman"] == 0.0  # says the same of all


def test_numbers_that_teach_nothing_are_refused(sample):
    with pytest.raises(DataError, match="every label is 3"):
        train_value_head(sample[0], [3.0] * 120, family="ridge", seed=0)
    with pytest.raises(DataError, match="at least 10 texts"):
        train_value_head(sample[0][:9], np.arange(9.0), family="ridge", seed=0)
