import numpy as np
import pytest
from scipy import stats

from finstrat.validate.luck import deflated_sharpe, independent_trials, placebo_test


def noise(seed, n=500, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def probability(finding):
    return dict(finding.figures)["Deflated Sharpe probability"].value


def test_one_trial_is_judged_by_its_probabilistic_sharpe_ratio():
    returns = noise(0, mean=0.002)
    finding = deflated_sharpe(returns, [], recorded=1, declared=0)
    ratio = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    spread = np.sqrt((1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / (len(returns) - 1))
    assert probability(finding) == pytest.approx(stats.norm.cdf(ratio / spread), rel=1e-3)
    assert finding.status == "pass"


def test_more_trials_deflate_the_same_returns():
    returns = noise(0, mean=0.0012)
    alone = deflated_sharpe(returns, [], recorded=1, declared=0)
    among = deflated_sharpe(returns, [noise(k) for k in range(1, 50)], recorded=50, declared=0)
    assert (alone.status, among.status) == ("pass", "inconclusive")
    assert probability(among) < probability(alone)


def test_declared_and_failed_trials_count_each():
    returns = noise(0, mean=0.0012)
    figures = dict(deflated_sharpe(returns, [noise(1)], recorded=4, declared=10).figures)
    # Its own, one rival, two that failed, ten declared.
    assert figures["Independent trials"].value == 14
    assert figures["Recorded and declared trials"].value == 14


def test_variations_of_one_idea_are_one_trial():
    base = noise(0)
    variations = [base + noise(k) / 10 for k in range(1, 20)]
    assert len(independent_trials([base, *variations])) == 1
    assert len(independent_trials([base, *variations, noise(99)])) == 2
    assert len(independent_trials([noise(k) for k in range(20)])) == 20


def test_trials_over_other_spans_and_idle_ones_are_trials_of_their_own():
    groups = independent_trials([noise(0), noise(0, n=300), np.zeros(500), np.zeros(500)])
    assert len(groups) == 4


@pytest.mark.parametrize("returns", [np.zeros(500), noise(0, n=20), np.full(500, np.nan)])
def test_returns_that_say_nothing_are_inconclusive(returns):
    assert deflated_sharpe(returns, [], recorded=1, declared=0).status == "inconclusive"


def test_best_of_fifty_noise_strategies_rarely_passes():
    passed = 0
    for world in range(40):
        tries = [noise(1_000 * world + k) for k in range(50)]
        best = max(range(50), key=lambda k: tries[k].mean() / tries[k].std())
        rivals = [each for k, each in enumerate(tries) if k != best]
        finding = deflated_sharpe(tries[best], rivals, recorded=50, declared=0)
        passed += finding.status == "pass"
    # Undeflated, all forty would pass. Binomial(40, 0.05) exceeds 6 once in 200.
    assert passed <= 6


@pytest.mark.parametrize(
    ("placebos", "p", "status"),
    [(np.zeros(199), 1 / 200, "pass"), (np.ones(199), 1.0, "inconclusive")],
)
def test_placebo_p_counts_the_run_itself(placebos, p, status):
    finding = placebo_test(0.5, {"shift": placebos})
    assert dict(finding.figures)["Placebo p-value, shifted in time"].value == pytest.approx(p)
    assert finding.status == status


def test_placebo_that_earned_exactly_as_much_counts_against():
    finding = placebo_test(0.5, {"shift": np.array([0.5, 0.1, 0.1, 0.1])})
    assert dict(finding.figures)["Placebo p-value, shifted in time"].value == pytest.approx(2 / 5)


def test_every_kind_of_placebo_must_be_beaten():
    beaten, not_beaten = np.zeros(99), np.r_[np.ones(5), np.zeros(94)]
    assert placebo_test(0.5, {"shift": beaten, "swap": beaten}).status == "pass"
    finding = placebo_test(0.5, {"shift": beaten, "swap": not_beaten})
    assert finding.status == "inconclusive"
    assert "99 placebos with the texts of each asset given to another, 5 earned" in finding.evidence
    assert dict(finding.figures)["Placebo p-value, swapped between assets"].value == 0.06
