import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.svm import SVR

from finstrat.credit.fitted import agreeing, boosted_of, kernel_of, value_forest_of
from finstrat.credit.machines import Linear
from finstrat.errors import FinstratError

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(120, 4))
NUMBER = 30 + 5 * np.sin(2 * ROWS[:, 0])


@pytest.mark.parametrize(
    ("estimator", "read"),
    [
        (SVR(gamma=0.3), lambda model: kernel_of(model, 0.3)),
        (RandomForestRegressor(n_estimators=7, random_state=0), value_forest_of),
        (HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=5), boosted_of),
    ],
    ids=["svm", "forest", "boosting"],
)
def test_machine_of_numbers_says_what_its_estimator_says(estimator, read):
    machine = read(estimator.fit(ROWS, NUMBER))
    unseen = RNG.normal(size=(50, 4))
    np.testing.assert_allclose(machine.margin(unseen), estimator.predict(unseen), atol=1e-9)


def test_machine_that_disagrees_with_its_estimator_is_refused():
    wrong = Linear(np.ones(4), np.zeros(1))
    with pytest.raises(FinstratError, match="reads differently from what it predicts"):
        agreeing(wrong, ROWS, lambda rows: rows.sum(axis=1) + 1.0)
