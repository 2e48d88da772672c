import numpy as np
import pytest

from finstrat.validate.held_out import holds_in_the_holdout

DAYS = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]")
LOOK = {
    "start": "2024-02-01",
    "end": "2024-03-31",
    "opened_at": "2024-05-01T10:00:00+00:00",
    "by": "Ada",
    "reason": "why",
    "number": 1,
    "fixed": True,
}


def judged(inside, **changes):
    """The check where the excess is `inside` on average in the holdout and large outside it."""
    noise = np.tile([0.001, -0.001], len(DAYS) // 2)
    held = (np.datetime64("2024-02-01") <= DAYS) & (np.datetime64("2024-03-31") >= DAYS)
    excess = np.where(held, inside, 0.5 if inside < 0 else -0.5) + noise
    return holds_in_the_holdout({"it": {**LOOK, **changes}}, DAYS, excess, seed=0)


def test_only_sessions_inside_count():
    check = judged(0.002)
    assert check.status == "pass"
    (figure,) = [figure for _, figure in check.figures]
    assert figure.n == 60
    assert figure.value == pytest.approx(0.002)
    assert "Holdout it opened on 2024-05-01 by Ada (why), 1st look" in check.evidence


def test_losing_in_it_refutes_and_nothing_in_it_decides_nothing():
    assert judged(-0.002).status == "fail"
    assert judged(-1e-6).status == "inconclusive"
    none = holds_in_the_holdout(
        {"it": {**LOOK, "start": "2023-01-01", "end": "2023-02-01"}},
        DAYS,
        DAYS.astype(float),
        seed=0,
    )
    assert none.status == "inconclusive"
    assert none.figures[0][1].value is None


@pytest.mark.parametrize(("number", "told"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")])
def test_later_look_never_passes(number, told):
    check = judged(0.002, number=number)
    assert check.status == "inconclusive"
    assert f"{told} look" in check.evidence


def test_configuration_made_after_the_opening_never_passes():
    assert judged(0.002, fixed=False).status == "inconclusive"
    assert judged(-0.002, fixed=False).status == "inconclusive"
