import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from finstrat.credit.families import FAMILIES, Candidate, candidates, fit_machine

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 4))
BAD = RNG.random(300) < 1 / (1 + np.exp(1 - 2 * ROWS[:, 0]))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_candidate_ranks_what_it_learnt_from(family):
    for candidate in candidates(family):
        margin = fit_machine(candidate, ROWS, BAD, seed=0).margin(ROWS)
        assert np.isfinite(margin).all()
        assert margin[BAD].mean() > margin[~BAD].mean()


def test_boosted_machine_says_what_its_estimator_says_on_holes_too():
    holed = np.where(RNG.random(ROWS.shape) < 0.2, np.nan, ROWS)
    (candidate, *_) = candidates("boosting")
    machine = fit_machine(candidate, holed, BAD, seed=3)
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=300,
        max_features=0.3,
        early_stopping=False,
        random_state=3,
        **dict(candidate.settings),
    ).fit(holed, BAD)
    np.testing.assert_allclose(machine.margin(holed), model.decision_function(holed), atol=1e-9)


def test_logistic_machine_says_what_its_estimator_says():
    candidate = Candidate("logistic", "scores", (("C", 0.1),))
    model = LogisticRegression(max_iter=3000, C=0.1).fit(ROWS, BAD)
    machine = fit_machine(candidate, ROWS, BAD, seed=0)
    np.testing.assert_allclose(machine.margin(ROWS), model.decision_function(ROWS), atol=1e-12)
