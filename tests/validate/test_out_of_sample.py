import pytest

from finstrat.risk.conventions import known, unknown
from finstrat.validate.out_of_sample import holds_out_of_sample


def ic(value, low, high):
    return known("fit.ic", value, n=500, ci=(low, high))


def paths(*values):
    return [ic(value, value - 0.1, value + 0.1) for value in values]


RATIOS = [known("sharpe.arithmetic", value, n=500) for value in (0.4, -0.2, 0.9)]


@pytest.mark.parametrize(
    ("walk", "values", "status"),
    [
        (ic(0.03, 0.01, 0.05), [0.02] * 8 + [-0.01], "pass"),
        (ic(0.03, 0.01, 0.05), [0.02] * 7 + [-0.01] * 2, "inconclusive"),
        (ic(0.03, -0.01, 0.07), [0.02] * 9, "inconclusive"),
        (ic(-0.03, -0.05, -0.01), [0.02] * 9, "fail"),
        (unknown("fit.ic", n=0, reason="no session"), [0.02] * 9, "inconclusive"),
    ],
)
def test_it_takes_an_interval_above_zero_and_nearly_all_paths(walk, values, status):
    finding = holds_out_of_sample({"a": walk}, {"a": paths(*values)}, RATIOS)
    assert finding.status == status


def test_one_signal_that_does_not_hold_is_enough():
    good, bad = ic(0.03, 0.01, 0.05), ic(-0.03, -0.05, -0.01)
    crossed = {"a": paths(0.02), "b": paths(0.02)}
    assert holds_out_of_sample({"a": good, "b": bad}, crossed, RATIOS).status == "fail"
    assert holds_out_of_sample({"a": good, "b": good}, crossed, RATIOS).status == "pass"


def test_the_paths_are_told_by_their_lowest_median_and_highest():
    finding = holds_out_of_sample({"a": ic(0.03, 0.01, 0.05)}, {"a": paths(0.3, 0.1, 0.2)}, RATIOS)
    values = {label: figure.value for label, figure in finding.figures}
    assert [values[f"a: IC on a path, {which}"] for which in ("lowest", "median", "highest")] == [
        *(0.1, 0.2, 0.3)
    ]
    assert values["Sharpe ratio on a path, lowest"] == -0.2
    assert "on 3 of 3 paths" in finding.evidence
