import numpy as np
import pytest
from scipy import stats

from finstrat.validate.drift import block_length, drift, holm, shortfall


def autoregressive(rng, count, phi):
    noise = rng.normal(size=count + 200)
    values = np.zeros(count + 200)
    for i in range(1, count + 200):
        values[i] = phi * values[i - 1] + noise[i]
    return values[200:]


def clustered(rng, count):
    """Returns whose variance comes in clusters (GARCH 1, 1)."""
    variance, values = 1.0, np.zeros(count + 200)
    for i in range(count + 200):
        values[i] = np.sqrt(variance) * rng.normal()
        variance = 0.05 + 0.1 * values[i] ** 2 + 0.85 * variance
    return values[200:]


KINDS = {
    "independent": lambda rng, count: rng.normal(size=count),
    "three values": lambda rng, count: rng.integers(-1, 2, count).astype(float),
    "heavy tails": lambda rng, count: rng.standard_t(3, count),
    "autoregressive": lambda rng, count: autoregressive(rng, count, 0.8),
    "clustered": clustered,
}


def test_ks_is_scipys_and_psi_is_the_sum_over_tenths():
    rng = np.random.default_rng(3)
    x = np.append(rng.normal(size=100), rng.normal(0.5, 1, 60))
    found = drift(x, recent=60, draws=19)
    assert found.ks == pytest.approx(stats.ks_2samp(x[:100], x[100:]).statistic)
    edges = np.quantile(x, np.linspace(0, 1, 11))
    edges[0], edges[-1] = -np.inf, np.inf
    p, q = (np.histogram(part, edges)[0] + 0.5 for part in (x[:100], x[100:]))
    p, q = p / p.sum(), q / q.sum()
    assert found.psi == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=0.05)
    assert (found.reference, found.recent) == (100, 60)


def test_ties_and_unknown_values_are_dealt_with():
    before = np.random.default_rng(6).permutation([0.0, 1.0] * 40)
    x = np.concatenate([before, [np.nan] * 5, [1.0] * 30])
    found = drift(x, recent=32, draws=99)
    # Two of the last 32 are unknown, the other 30 all ones.
    assert (found.reference, found.recent) == (80, 30)
    assert found.ks == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.arange(30.0), "fewer than 20 known"),
        (np.ones(100), "never varies"),
        (np.append(np.full(60, np.nan), np.arange(40.0)), "fewer than 20 known"),
        (np.cumsum(np.random.default_rng(0).normal(size=300)), "too long for 300"),
    ],
)
def test_what_can_not_be_told_has_a_reason(values, reason):
    found = drift(values, recent=25)
    assert found.p is None
    assert reason in found.reason_if_null


def test_the_same_values_give_the_same_answer_and_time_alone_matters():
    x = np.random.default_rng(1).normal(size=300)
    assert drift(x, recent=60, draws=99) == drift(x, recent=60, draws=99)
    assert drift(3 * x + 7, recent=60, draws=99) == drift(x, recent=60, draws=99)


def test_independent_values_need_no_blocks_and_dependent_ones_do():
    rng = np.random.default_rng(5)
    assert block_length(rng.normal(size=800)) <= 6
    assert block_length(autoregressive(rng, 800, 0.9)) > 15


def test_holm_multiplies_by_what_is_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_lower_returns_are_found_and_higher_ones_are_not():
    rng = np.random.default_rng(2)
    base, late = rng.normal(0, 1, 400), rng.normal(0, 1, 100)
    assert shortfall(np.append(base, late - 0.5), recent=100).p <= 0.005
    assert shortfall(np.append(base, late + 0.5), recent=100).p > 0.9


def alarms(make, *, times, count=900, recent=150, seed=0):
    """In how many of `times` worlds of one series of each kind any alarm is raised, at 5 %."""
    found = 0
    for i in range(times):
        rng = np.random.default_rng((seed, i))
        results = [
            drift(make(kind, rng, count, recent), recent=recent, draws=299, seed=i)
            for kind in KINDS.values()
        ]
        p = [each.p for each in results if each.p is not None]
        found += min(holm(p)) <= 0.05
    return found


def unchanged(kind, rng, count, recent):
    return kind(rng, count)


@pytest.mark.slow
def test_unchanged_data_raise_false_alarms_at_the_nominal_rate():
    # Above 18 of 200 would have a chance below 1 % at a true rate of 5 %; 0 one of 0.004 %.
    assert 1 <= alarms(unchanged, times=200) <= 18


@pytest.mark.parametrize(
    "shifted",
    [
        lambda kind, rng, count, recent: np.append(
            (x := kind(rng, count))[:-recent], x[-recent:] + 1.0 * x.std()
        ),
        lambda kind, rng, count, recent: np.append(
            (x := kind(rng, count))[:-recent], x[-recent:] * 2.5
        ),
    ],
    ids=["mean by a deviation", "spread by 2.5"],
)
def test_planted_shifts_raise_an_alarm(shifted):
    assert alarms(shifted, times=10, seed=1) == 10
