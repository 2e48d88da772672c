import datetime as dt

import numpy as np
import pytest
import torch
from finstrat_plugins.signals.combine import Combine
from pydantic import ValidationError

import finstrat
from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.testing import assert_causal


def inputs(close, **signals):
    clock = Clock.build("XNYS", Span(dt.date(2015, 1, 2), dt.date(2016, 12, 30)))
    clock = clock.slice(0, len(close))
    names = [f"A{i}" for i in range(close.shape[1])]
    return Inputs(
        panel=Panel.from_fields(clock.sessions, names, {"close": np.asarray(close, float)}),
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        features={
            f"{key}.value": torch.as_tensor(value).double() for key, value in signals.items()
        },
    )


def test_equal_weights_average_the_ranks_of_those_that_know():
    nan = np.nan
    given = inputs(np.ones((1, 4)), a=[[1.0, 2.0, 3.0, nan]], b=[[30.0, 20.0, nan, nan]])
    values = Combine({"signals": ["a.value", "b.value"]}).compute(given)[0]
    # Centred ranks: a gives -1/3, 0, 1/3; b gives 1/4, -1/4.
    assert values[:3].tolist() == pytest.approx([(-1 / 3 + 1 / 4) / 2, -1 / 8, 1 / 3])
    assert values[3].isnan()


def test_coefficients_turn_a_signal_round_that_was_wrong_so_far():
    moves = np.tile(np.linspace(-0.01, 0.01, 6), (120, 1))
    close = 100 * np.cumprod(1 + moves, axis=0)
    right = np.tile(np.arange(6.0), (120, 1))
    options = {"signals": ["a.value", "b.value"], "weights": "ic", "window": 20, "horizon": 1}
    values = Combine(options).compute(inputs(close, a=right, b=-right))
    expected = (np.arange(6) + 0.5) / 6 - 0.5
    assert values[-1].tolist() == pytest.approx(expected.tolist())
    # Ten coefficients are needed, and each is known three sessions later.
    assert values[:12].isnan().all()
    assert not values[12:].isnan().any()


def test_a_return_that_is_not_over_does_not_count():
    rng = np.random.default_rng(0)
    moves = rng.normal(0, 0.01, (80, 8))
    signal = rng.normal(size=(80, 8))
    options = {"signals": ["a.value", "b.value"], "weights": "ic", "window": 20, "horizon": 3}
    row, other = 60, moves.copy()
    other[row + 1 :] = rng.normal(0, 0.2, other[row + 1 :].shape)
    # The close of the row itself is not before its cutoff, so no label may end with it either.
    other[row] = rng.normal(0, 0.2, 8)
    values = [
        Combine(options).compute(inputs(np.cumprod(1 + each, axis=0), a=signal, b=-(signal**3)))
        for each in (moves, other)
    ]
    torch.testing.assert_close(values[0][: row + 1], values[1][: row + 1], equal_nan=True)


def planted(sessions=400, assets=12):
    """Closes of which signal `a` foretells a fifth of the variance and `b` nothing."""
    rng = np.random.default_rng(1)
    right, noise = rng.normal(size=(2, sessions, assets))
    moves = rng.normal(0, 0.02, (sessions, assets))
    # Decided at t, filled at the next close: the first return that counts is that of t + 2.
    moves[2:] += 0.01 * right[:-2]
    return inputs(np.cumprod(1 + moves, axis=0) * 50, a=right, b=noise), right


@pytest.mark.parametrize("weights", ["ridge", "elastic-net", "boosting"])
def test_a_model_finds_which_signal_foretells(weights):
    given, right = planted()
    options = {"signals": ["a.value", "b.value"], "weights": weights, "window": 120, "horizon": 1}
    values = Combine(options).compute(given)[..., 0]
    known = ~values.isnan().any(dim=1)
    assert known.sum() > 250
    said, planted_ranks = (
        values[known].numpy(),
        right[known.numpy()].argsort(axis=1).argsort(axis=1),
    )
    alike = [np.corrcoef(x, y)[0, 1] for x, y in zip(said, planted_ranks, strict=True)]
    assert np.mean(alike) > 0.9
    assert np.abs(said).max() < 0.5


def test_the_weights_of_a_ridge_are_told():
    given, _ = planted()
    fits = []
    options = {"signals": ["a.value", "b.value"], "weights": "ridge", "window": 120, "horizon": 1}
    Combine(options).compute(Inputs(**{**vars(given), "fitted": fits.append}))
    first, second = (float(each.split()[1]) for each in fits[-1].note.split(", "))
    assert first > 0.2
    assert abs(second) < 0.1


def test_an_elastic_net_leaves_noise_out_and_then_tells_nothing_apart():
    rng = np.random.default_rng(2)
    close = np.cumprod(1 + rng.normal(0, 0.02, (200, 6)), axis=0)
    given = inputs(close, a=rng.normal(size=close.shape), b=rng.normal(size=close.shape))
    options = {"signals": ["a.value", "b.value"], "weights": "elastic-net", "window": 100}
    values = Combine(options).compute(given)
    assert (values[~values.isnan()] == 0).any()


@pytest.mark.parametrize(
    "weights",
    [
        *("equal", "ic"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("ridge", "elastic-net", "boosting")
        ),
    ],
)
def test_it_is_causal_and_keeps_its_warm_up(weights, synthetic_market):
    signals = ["planted.asset", "planted.other"]
    planted = synthetic_market.features["planted.asset"]
    other = torch.tensor(synthetic_market.panel.returns()).nan_to_num(nan=0.0)
    market = type(synthetic_market)(
        **{
            **vars(synthetic_market),
            "features": {"planted.asset": planted, "planted.other": other},
        }
    )
    combine = Combine(
        {"signals": signals, "weights": weights, "window": 40, "horizon": 2, "refit": "quarterly"}
    )
    report = assert_causal(combine, market, seconds=0.0)
    outcomes = {each.name: each.outcome for each in report.checks}
    assert outcomes["start"] == "passed"


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (["a.value"], "at least 2"),
        (["a", "b.value"], '"a" names no output'),
        (["a.value", "a.value"], "named twice"),
    ],
)
def test_mistakes_in_the_list_are_named(signals, said):
    with pytest.raises(ValidationError, match=said):
        Combine({"signals": signals})


def test_the_bundled_backtest_runs(host, bare_project):
    result = finstrat.run(
        "combined",
        overrides={"span.start": "2015-01-02", "span.end": "2017-12-29"},
        project=bare_project,
        host=host,
    )
    assert len(result.orders) > 0
    assert (result.targets.dropna(how="all").sum(axis=1) > 0.9).all()
