"""What a score is worth as a default probability, learnt from who defaulted.

Platt's (1999) map: log odds that are linear in the score. It serves the margins of a trained model
and Merton's distances alike, and knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Log odds of default = `slope` × score + `constant`."""

    slope: float
    constant: float

    def probability(self, scores: Floats) -> Floats:
        """Default probabilities, in the shape of `scores`; NaN where a score is."""
        return np.asarray(expit(self.slope * scores + self.constant))


def calibrate(scores: Floats, defaulted: NDArray[np.bool_]) -> Calibration:
    """The calibration with the greatest likelihood, on scores `[D]` made without these outcomes.

    The outcomes are drawn in by Platt's half a row, to (b + 1)/(b + 2) and 1/(g + 2), so that
    scores that part the two perfectly don't give certainty. Rows without a score are left out.

    Raises:
        DataError: there are not both defaults and others among the rows with a score.
    """
    known = ~np.isnan(scores)
    scores, defaulted = scores[known], defaulted[known]
    bad = int(defaulted.sum())
    good = len(defaulted) - bad
    if not bad or not good:
        raise DataError(
            f"a calibration needs defaults and others; got {bad} defaults among {len(defaulted)}"
        )
    goal = np.where(defaulted, (bad + 1.0) / (bad + 2.0), 1.0 / (good + 2.0))
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    unit = (scores - centre) / scale

    def loss(line: Floats) -> tuple[float, Floats]:
        odds = line[0] * unit + line[1]
        gap = expit(odds) - goal
        return (
            float((np.logaddexp(0.0, odds) - goal * odds).mean()),
            np.array([(gap * unit).mean(), gap.mean()]),
        )

    found = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    slope = float(found[0]) / scale
    return Calibration(slope, float(found[1]) - slope * centre)
