import datetime as dt

import numpy as np

from finstrat.text import ModelCard
from finstrat.validate import verdict

SESSIONS = np.arange("2015-01-01", "2015-06-01", dtype="datetime64[D]")


def card(cutoff):
    return ModelCard(
        name="m",
        version="1",
        summary="",
        training_data=(),
        licence="",
        training_cutoff=cutoff,
        cutoff_reason="",
    )


def status(net, twin):
    return verdict.beats_twin(np.asarray(net), np.asarray(twin), seed=0).status


def test_twin_check_follows_the_sign_of_the_interval():
    noise = np.random.default_rng(0).normal(0, 0.001, 500)
    assert status(noise + 0.01, np.zeros(500)) == "pass"
    assert status(noise - 0.01, np.zeros(500)) == "fail"
    assert status(noise, np.zeros(500)) == "inconclusive"
    assert status(noise, np.full(500, np.nan)) == "not applicable"


def test_model_published_after_the_period_is_contaminated_and_so_is_an_unknown_one():
    for cutoff, expected in (
        (dt.date(2014, 12, 31), "pass"),
        (dt.date(2015, 3, 1), "inconclusive"),
        (None, "inconclusive"),
    ):
        assert verdict.period_unknown_to_models([card(cutoff)], SESSIONS).status == expected


def test_missing_check_is_never_a_pass():
    missing = [verdict.recorded_audit(name, {}) for name in verdict.AUDITS]
    assert {each.status for each in missing} == {"not run"}
    good = verdict.beats_twin(np.full(500, 0.01) + np.arange(500) / 1e6, np.zeros(500), seed=0)
    assert verdict.conclude([good, *missing]).outcome == "inconclusive"


def test_one_failed_check_refutes():
    failed = verdict.beats_twin(-np.full(500, 0.01) + np.arange(500) / 1e6, np.zeros(500), seed=0)
    assert verdict.conclude([failed]).outcome == "refuted"


def test_run_within_what_a_model_may_remember_is_never_supported_whatever_else_passes():
    passed = [
        verdict.recorded_audit(name, {name: {"status": "pass", "evidence": "."}})
        for name in verdict.AUDITS
    ]
    noise = np.random.default_rng(0).normal(0, 0.001, 500)
    beaten = verdict.beats_twin(noise + 0.01, np.zeros(500), seed=0)
    outcomes = {
        cutoff: verdict.conclude(
            [beaten, verdict.period_unknown_to_models([card(cutoff)], SESSIONS), *passed]
        ).outcome
        for cutoff in (dt.date(2014, 12, 31), dt.date(2016, 1, 1), None)
    }
    assert list(outcomes.values()) == ["supported", "inconclusive", "inconclusive"]
