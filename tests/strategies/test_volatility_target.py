import numpy as np
import pytest
from finstrat_strategies.volatility_target import VolatilityTarget
from numpy.testing import assert_allclose
from pydantic import ValidationError


def test_exposure_is_the_target_over_the_volatility(seen):
    # The equal-weighted returns are 1 % up and 1 % down: a root mean square of 1 % a day.
    close = np.array([[100, 100], [102, 100], [102 * 0.98, 100], [99.96 * 1.02, 100]])
    inputs = seen(close)
    options = {"target": 0.1, "window": 2, "highest": 2.0}
    decision = VolatilityTarget(options).decide(inputs)
    expected = 0.1 / (0.01 * np.sqrt(inputs.clock.periods_per_year))
    assert_allclose(decision.exposure, [0, 0, expected, expected])


def test_exposure_keeps_its_bounds_and_is_lowest_where_nothing_is_known(seen):
    calm = np.full((4, 1), 10.0)
    options = {"window": 2, "lowest": 0.3, "highest": 0.9}
    assert VolatilityTarget(options).decide(seen(calm)).exposure.tolist() == [0.3, 0.3, 0.9, 0.9]


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match="lowest"):
        VolatilityTarget({"lowest": 1.0, "highest": 0.5})
