"""Edges that a model may only remember are told from others; what can't be compared is no pass."""

import datetime as dt

import numpy as np
import pytest

from finstrat.validate.bootstrap import FEWEST, interval_of_difference
from finstrat.validate.luck import Finding
from finstrat.validate.memory import (
    edge_by_cutoff,
    edge_without_names,
    recalls_directions,
    recalls_texts,
    together,
)

DAYS = np.arange("2015-01-01", "2016-05-15", dtype="datetime64[D]")  # 500
CUTOFF = dt.date(2015, 9, 7)  # the 250th
EARLY = np.datetime64(CUTOFF) >= DAYS


def noise(seed=0):
    return np.random.default_rng(seed).normal(0, 0.001, len(DAYS))


def judged(own, lexicon=None, cutoff=CUTOFF):
    other = noise(1) if lexicon is None else lexicon
    return edge_by_cutoff(own, other, DAYS, cutoff=cutoff, seed=0)


def values(finding):
    return {label: figure.value for label, figure in finding.figures}


def test_edge_that_ends_with_the_models_knowledge_fails():
    finding = judged(noise() + np.where(EARLY, 0.001, 0.0))
    assert finding.status == "fail"
    assert values(finding)["Edge up to the cutoff less that after it"] == pytest.approx(
        0.001, abs=0.0003
    )


def test_larger_edge_before_with_something_left_after_is_inconclusive():
    assert judged(noise() + np.where(EARLY, 0.002, 0.0005)).status == "inconclusive"


def test_edge_that_goes_on_passes_and_none_at_all_is_inconclusive():
    assert judged(noise() + 0.0005).status == "pass"
    assert judged(noise()).status == "inconclusive"


def test_what_the_lexicon_earned_as_well_is_a_regime_and_no_memory():
    regime = np.where(EARLY, 0.001, 0.0004)
    assert judged(noise() + regime, noise(1) + regime).status == "pass"


@pytest.mark.parametrize("cutoff", [None, dt.date(2020, 1, 1)])
def test_without_a_session_after_the_cutoff_nothing_passes(cutoff):
    finding = judged(noise() + 0.001, cutoff=cutoff)
    assert finding.status == "inconclusive"
    assert "Contaminated" in finding.evidence
    assert finding.figures[0][1].n == len(DAYS)
    assert finding.figures[2][1].reason_if_null


def test_too_few_sessions_on_a_side_are_inconclusive_and_counted():
    cutoff = DAYS[-FEWEST].astype(object)  # leaves one session less than needed
    finding = judged(noise() + 0.001, cutoff=cutoff)
    assert finding.status == "inconclusive"
    assert f"{FEWEST - 1} after it" in finding.evidence


def test_interval_of_a_difference_is_that_of_two_means_resampled_apart():
    one, other = noise()[:400] + 0.001, noise(3)[:100]
    interval = interval_of_difference(one, other, seed=0)
    error = 0.001 * np.sqrt(1 / 400 + 1 / 100)
    centre = one.mean() - other.mean()
    assert interval.low == pytest.approx(centre - 1.645 * error, abs=0.4 * error)
    assert interval.high == pytest.approx(centre + 1.645 * error, abs=0.4 * error)
    assert interval_of_difference(one, other[: FEWEST - 1], seed=0) is None
    flat = interval_of_difference(np.zeros(100), other, seed=0)
    assert flat.low < -other.mean() < flat.high
    assert interval_of_difference(np.zeros(100), np.ones(100), seed=0) is None


def test_edge_that_vanishes_with_the_names_is_told():
    scores = (np.arange(50.0), np.arange(50.0) ** 3)
    cases = {
        "vanishes": (noise() + 0.001, noise(1)),
        "doesn't need": (noise() + 0.001, noise() + 0.001),
        "no edge to lose": (noise(), noise(1)),
    }
    for told, (own, masked) in cases.items():
        finding = edge_without_names(own, masked, scores=scores, changed=50, seed=0)
        assert told in finding.evidence
        assert finding.status == ("pass" if "need" in told else "inconclusive")
        assert values(finding)["Scores as they are and masked"] == pytest.approx(1.0)
    nothing = edge_without_names(noise(), noise(), scores=scores, changed=0, seed=0)
    assert nothing.status == "inconclusive"


def test_directions_told_by_date_are_recall_and_a_liking_for_an_asset_is_not():
    rng = np.random.default_rng(0)
    assets = rng.integers(0, 4, 200)
    returns = rng.normal(0, 0.01, 200) + 0.02 * assets
    knows = recalls_directions(rng.normal(0, 0.02, 200) + returns, returns, assets, seed=0)
    likes = recalls_directions(rng.normal(0, 0.1, 200) + assets, returns, assets, seed=0)
    assert knows.status == "inconclusive"
    assert "remembers" in knows.evidence
    assert likes.status == "pass"
    assert likes.figures[0][1].value > 0.5
    assert recalls_directions(returns[:9], returns[:9], assets[:9], seed=0).figures[0][1].n == 9


def test_continuations_speak_of_memory_only_across_the_cutoff():
    rng = np.random.default_rng(0)
    ordinary, known = rng.normal(1, 1, 100), rng.normal(2, 1, 100)
    assert recalls_texts(known, ordinary).status == "inconclusive"
    assert "may have read" in recalls_texts(known, ordinary).evidence
    assert recalls_texts(ordinary, ordinary[::-1]).status == "pass"
    alone = recalls_texts(np.array([1.0, 2.0, -1.0, np.nan]), np.array([]))
    assert alone.status == "inconclusive"
    assert alone.figures[0][1].value == pytest.approx(2 / 3)


def test_worst_answer_is_that_of_all_together():
    each = [Finding(status, status) for status in ("not applicable", "pass", "fail")]
    assert together(each[:1]).status == "not applicable"
    assert together(each[:2]).status == "pass"
    assert together(each) == Finding("fail", "not applicable pass fail")
