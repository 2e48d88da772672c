import datetime as dt

import numpy as np
import pytest
import torch
from finstrat_plugins.signals.learned_ranking import LearnedRanking
from finstrat_plugins.signals.network import fit_network
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

import finstrat
from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.errors import PluginError
from finstrat.fitting import Examples
from finstrat.testing import assert_causal

MODELS = ["logistic", "svm", "random-forest", "boosting", "network"]


@pytest.fixture(scope="module")
def planted():
    """Fifteen months in which `a` foretells the return, `b` nothing, and a fit a year."""
    rng = np.random.default_rng(1)
    clock = Clock.build("XNYS", Span(dt.date(2015, 1, 2), dt.date(2016, 3, 31)))
    right, noise = rng.normal(size=(2, len(clock), 10))
    moves = rng.normal(0, 0.02, right.shape)
    # Decided at t, filled at the next close: the first return that counts is that of t + 2.
    moves[2:] += 0.015 * right[:-2]
    close = 50 * np.cumprod(1 + moves, axis=0)
    fits = []
    given = Inputs(
        panel=Panel.from_fields(clock.sessions, [f"A{i}" for i in range(10)], {"close": close}),
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        features={"a.value": torch.from_numpy(right), "b.value": torch.from_numpy(noise)},
        fitted=fits.append,
    )
    return given, right, fits


def options(model):
    return {
        "signals": ["a.value", "b.value"],
        "model": model,
        "window": 200,
        "horizon": 1,
        "refit": "yearly",
    }


@pytest.mark.parametrize("model", MODELS)
def test_it_ranks_by_what_foretells_and_tells_how_it_was_fitted(planted, model):
    given, right, fits = planted
    values = LearnedRanking(options(model)).compute(given)[..., 0]
    known = (~values.isnan().any(dim=1)).numpy()
    assert given.clock.sessions[known][0] == np.datetime64("2016-01-04")
    ranks = right[known].argsort(axis=1).argsort(axis=1)
    said = values[torch.from_numpy(known)].numpy()
    alike = [np.corrcoef(x, y)[0, 1] for x, y in zip(said, ranks, strict=True)]
    assert np.mean(alike) > 0.85
    assert fits[-1].session == "2016-01-04"
    assert fits[-1].rows == 200 * 10
    assert ("loss 0." if model == "network" else "AUC 0.") in fits[-1].note


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_it_is_causal_and_keeps_its_warm_up(model, synthetic_market):
    signal = LearnedRanking(
        {"signals": ["planted.asset"], "model": model, "window": 60, "horizon": 1}
    )
    report = assert_causal(signal, synthetic_market, seconds=0.0)
    assert {each.name: each.outcome for each in report.checks}["start"] == "passed"


def examples(rows, *, seed=0):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, 2))
    return Examples(x, x[:, 0], np.arange(rows) // 4, 2, seed)


def test_a_network_depends_on_examples_and_seed_alone():
    given = examples(200)
    with threadpool_limits(1):
        torch.manual_seed(1)
        first = fit_network(given, given.y > 0)
        torch.manual_seed(2)
        again = fit_network(given, given.y > 0)
        other = fit_network(examples(200, seed=1), given.y > 0)
    assert (first.probability(given.x) == again.probability(given.x)).all()
    assert (first.probability(given.x) != other.probability(given.x)).any()
    assert first.loss < np.log(2)


def test_without_anything_to_tell_apart_it_is_silent():
    same = Examples(np.ones((40, 1)), np.zeros(40), np.arange(40) // 4, 2, 0)
    assert LearnedRanking({"signals": ["a.value"]}).fit(same) is None


def test_a_window_too_short_for_folds_is_named():
    with pytest.raises(PluginError, match="choose a longer window or a shorter horizon"):
        LearnedRanking({"signals": ["a.value"]}).fit(examples(12))


@pytest.mark.parametrize("model", ["logistic", "svm"])
def test_a_stretch_with_one_class_chooses_nothing(model):
    given = examples(80)
    given.y[40:] = 0.0
    chosen = LearnedRanking({"signals": ["a.value"], "model": model}).fit(given)
    assert chosen.value == 1e-4
    assert 0.5 < chosen.auc <= 1.0


def test_an_unknown_model_is_refused():
    with pytest.raises(ValidationError, match="random-forest"):
        LearnedRanking({"signals": ["a.value"], "model": "oracle"})


def test_the_bundled_backtest_learns_every_year(host, bare_project):
    result = finstrat.run(
        "learned_ranking",
        overrides={"span.start": "2017-01-03", "span.end": "2019-12-30"},
        project=bare_project,
        host=host,
    )
    fits = result.manifest["fits"]["learned"]
    inside = [fit["session"] for fit in fits if fit["session"] >= "2017"]
    assert inside == ["2017-01-03", "2018-01-02", "2019-01-02"]
    assert all(fit["last"] < fit["session"] for fit in fits)
    held = (result.targets.dropna(how="all") > 0).sum(axis=1)
    assert set(held) == {5}
