import numpy as np
import pytest

from finstrat.credit.machines import Kernel, Linear, Trees, arrays_of, kind_of, machine_from


def floats(*values):
    return np.array(values, dtype=float)


def whole(*values):
    return np.array(values, dtype=np.int64)


def trees(*, constant=0.5, single=0):
    """Two trees: x0 ≤ 1 ? −1 : (x1 ≤ 2 ? 1 : 2), holes in x0 go right; and a lone leaf of 10."""
    return Trees(
        first=whole(0, 5, 6),
        feature=whole(0, -1, 1, -1, -1, -1),
        threshold=floats(1, 0, 2, 0, 0, 0),
        left=whole(1, 0, 3, 0, 0, 0),
        right=whole(2, 0, 4, 0, 0, 0),
        holes_left=whole(0, 0, 1, 0, 0, 0),
        value=floats(9, -1, 9, 1, 2, 10),
        constant=floats(constant),
        single=whole(single),
    )


def test_rows_end_in_the_leaves_that_their_numbers_lead_to():
    rows = np.array([[1.0, 0.0], [1.1, 2.0], [2.0, 3.0], [np.nan, np.nan]])
    assert trees().margin(rows).tolist() == [9.5, 11.5, 12.5, 11.5]


def test_averaged_trees_give_finite_log_odds():
    sure = trees(constant=np.nan)
    sure.value[:] = 1.0
    assert sure.margin(np.zeros((1, 2))).item() == pytest.approx(np.log(2.5 / 0.5))


def test_single_precision_is_compared_as_it_was_learnt():
    just_above = np.array([[1.0 + 1e-9, 0.0]])
    assert trees(single=1).margin(just_above) == trees().margin(np.array([[1.0, 0.0]]))
    assert trees(single=0).margin(just_above) != trees().margin(np.array([[1.0, 0.0]]))


def test_kernel_machine_by_hand():
    machine = Kernel(
        vectors=np.array([[0.0], [2.0]]), weight=floats(1, -1), constant=floats(3), gamma=floats(1)
    )
    assert machine.margin(np.array([[0.0]])).item() == pytest.approx(3 + 1 - np.exp(-4))


def test_linear_machine_by_hand():
    machine = Linear(floats(2, -1), floats(0.5))
    assert machine.margin(np.array([[1.0, 3.0]])).item() == -0.5


@pytest.mark.parametrize("machine", [trees(), Linear(floats(1), floats(0))])
def test_machine_is_made_again_from_its_arrays(machine):
    again = machine_from(kind_of(machine), arrays_of(machine))
    rows = np.ones((3, 2 if isinstance(machine, Trees) else 1))
    np.testing.assert_array_equal(again.margin(rows), machine.margin(rows))
