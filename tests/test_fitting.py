"""What a fitted signal is handed, when, and what its runs keep of it."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
import torch

import finstrat
from finstrat import features
from finstrat.audit import audit_run
from finstrat.components import Inputs, Signal
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.errors import PluginError
from finstrat.fitting import Examples, FittedSignal
from finstrat.testing import assert_causal


class Slope(FittedSignal):
    """The return that followed per unit of x, least squares through zero."""

    name, version = "slope", "1"
    needs = ("close",)
    refit, horizon, window, lookback = "monthly", 2, 30, 1

    def observe(self, inputs):
        return features.returns(inputs.prices("close"), 1)

    def fit(self, examples):
        return float(examples.x[:, 0] @ examples.y / (examples.x[:, 0] @ examples.x[:, 0]))

    def predict(self, model, x):
        return model * x[:, 0]

    def describe(self, model):
        return f"slope {model:.3f}"


class Handed(Slope):
    """Keeps what it is handed."""

    def __init__(self, config=None):
        super().__init__(config)
        self.examples = []

    def fit(self, examples):
        self.examples.append(examples)
        return super().fit(examples)


def inputs(close, *, member=None, names=None, **more):
    clock = Clock.build("XNYS", Span(dt.date(2015, 1, 2), dt.date(2015, 12, 31)))
    clock = clock.slice(0, len(close))
    names = names or [f"A{i}" for i in range(close.shape[1])]
    return Inputs(
        panel=Panel.from_fields(clock.sessions, names, {"close": close}, member=member),
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        **more,
    )


@pytest.fixture
def close():
    moves = np.random.default_rng(3).normal(0, 0.02, (130, 4))
    return 50 * np.exp(moves.cumsum(axis=0))


def test_every_fit_sees_just_the_outcomes_that_were_over(close):
    fits = []
    signal = Handed()
    given = inputs(close, fitted=fits.append)
    signal.compute(given)
    months = np.flatnonzero(given.clock.starts_of("monthly"))
    # A fit needs half its window: 15 examples. February 2 is row 20, with rows 1 to 16 known.
    assert [fit.session for fit in fits] == [str(day) for day in given.clock.sessions[months[1:]]]
    first = signal.examples[0]
    # Decided at t and filled at closes, t's return ends with close t + 3, known to session t + 4.
    assert first.session.max() == 20 - 4
    expected = close[19] / close[17] - 1.0
    assert first.y[-4:].tolist() == pytest.approx(expected.tolist())
    assert first.x[-4:, 0].tolist() == pytest.approx((close[16] / close[15] - 1.0).tolist())
    assert fits[0].rows == 16 * 4
    assert (fits[0].first, fits[0].last) == ("2015-01-05", "2015-01-27")
    assert fits[0].note == f"slope {signal.fit(first):.3f}"


def test_a_finite_window_moves_and_an_expanding_one_grows(close):
    class Growing(Handed):
        memory = "expanding"

    rows = {}
    for kind in (Handed, Growing):
        signal = kind()
        signal.compute(inputs(close))
        rows[kind] = [len(np.unique(each.session)) for each in signal.examples]
    assert max(rows[Handed]) == 30
    assert rows[Growing] == sorted(rows[Growing])
    assert rows[Growing][-1] > 90


def test_nothing_is_said_before_half_a_window_of_examples(close):
    values = Slope().compute(inputs(close))[..., 0]
    assert values[:20].isnan().all()
    assert not values[20:].isnan().any()


def test_who_is_no_member_teaches_nothing(close):
    member = np.ones(close.shape, dtype=bool)
    member[:, 2] = False
    signal, other = Handed(), Handed()
    signal.compute(inputs(close, member=member))
    other.compute(inputs(close[:, [0, 1, 3]]))
    assert signal.examples[0].x.tolist() == other.examples[0].x.tolist()


def test_the_order_of_assets_changes_no_bit_of_the_examples(close):
    signal, other = Handed(), Handed()
    order = [2, 0, 3, 1]
    values = signal.compute(inputs(close))
    mixed = other.compute(inputs(close[:, order], names=[f"A{i}" for i in order]))
    assert (signal.examples[-1].x == other.examples[-1].x).all()
    assert torch.equal(values[:, order].nan_to_num(), mixed.nan_to_num())


def test_what_is_unknown_is_neither_learnt_from_nor_spoken_about(close):
    close[60, 1] = np.nan
    signal = Handed()
    values = signal.compute(inputs(close))[..., 0]
    assert values[60:62, 1].isnan().all()
    assert not values[60:62, 0].isnan().any()
    assert all(np.isfinite(each.x).all() and np.isfinite(each.y).all() for each in signal.examples)


def test_a_market_signal_learns_the_members_average(close):
    class Market(Handed):
        scope = "market"

        def observe(self, inputs):
            return features.returns(inputs.prices("close"), 1).mean(dim=1)

    signal = Market()
    values = signal.compute(inputs(close))
    assert values.shape == (130, 1)
    average = (close[19] / close[17] - 1.0).mean()
    assert signal.examples[0].y[-1] == pytest.approx(average)


def test_a_feature_can_be_learnt_ahead_of_its_time(close):
    class Ahead(Handed):
        def target(self, inputs):
            return self.observe(inputs)

    signal = Ahead()
    signal.compute(inputs(close))
    # Known with the session itself: row 18's value two sessions later is that of row 20.
    assert signal.examples[0].session.max() == 18
    assert signal.examples[0].y[-1] == pytest.approx(close[20, 3] / close[19, 3] - 1.0)


def test_ranks_of_what_followed_are_within_a_session():
    examples = Examples(
        np.zeros((5, 1)), np.array([3.0, 1.0, 2.0, 7.0, 7.0]), np.array([4] * 3 + [9] * 2), 1, 0
    )
    assert examples.rank.tolist() == pytest.approx([1 / 3, -1 / 3, 0.0, 0.0, 0.0])


def test_a_model_that_is_none_says_nothing(close):
    class Silent(Slope):
        def fit(self, examples):
            return None

    fits = []
    assert Silent().compute(inputs(close, fitted=fits.append)).isnan().all()
    assert fits == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"observe": lambda *_: np.ones(3)}, "observe gave a ndarray"),
        (
            {"observe": lambda *_: torch.ones(130, 9)},
            r"observe gave shape \(130, 9\); expected \(130, 4\)",
        ),
        ({"observe": lambda *_: torch.full((130, 4), torch.inf)}, "observe gave an infinity"),
        ({"target": lambda *_: torch.ones(130)}, r"target gave shape \(130,\)"),
        ({"predict": lambda _s, _m, x: x[:1, 0]}, r"predict gave shape \(1,\) for 76 rows"),
    ],
)
def test_a_broken_contract_is_named(close, broken, said):
    signal = type("Broken", (Slope,), broken)()
    with pytest.raises(PluginError, match=said):
        signal.compute(inputs(close))


@pytest.mark.parametrize("memory", ["finite", "expanding"])
def test_it_is_causal_and_keeps_its_warm_up(memory, synthetic_market):
    signal = type("Either", (Slope,), {"memory": memory})()
    report = assert_causal(signal, synthetic_market, seconds=0.0)
    outcomes = {each.name: each.outcome for each in report.checks}
    assert outcomes["start"] == ("passed" if memory == "finite" else "not applicable")


@pytest.fixture
def ran(world, bare_project, host, monkeypatch):
    """A run whose strategy follows a fitted signal."""
    found = host.get(Signal, "momentum")
    monkeypatch.setitem(host.components, (Signal, "slope"), [type(found)(Slope, found.provider)])
    config = {
        **world,
        "signals": {"fitted": {"use": "slope"}},
        "strategy": {"use": "top-k", "signal": "fitted.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    return finstrat.run(config, project=bare_project, host=host)


def test_a_run_keeps_its_fits_and_its_report_shows_them(ran):
    [fit] = ran.manifest["fits"]["fitted"]
    assert fit["session"] == "2015-04-01"
    report = json.loads((ran.path / "report.json").read_text())
    [block] = [each for each in report["blocks"] if each["id"] == "provenance"]
    [table] = [each for each in block["tables"] if each["title"] == "Fitted signals"]
    assert table["rows"][0][:4] == ["fitted", 1, "2015-04-01", "2015-04-01"]
    assert table["rows"][0][-1] == fit["note"]


def test_an_audit_fits_again_on_data_that_end_earlier(ran, bare_project, host):
    records = audit_run(ran.path, project=bare_project, host=host, placebos=9)
    record = records["causality"]
    assert "changed nothing before them" in record["evidence"]
    # 39 sessions are too few to start later than the warm-up of 67, so that part stays untried.
    assert record["status"] == "inconclusive"
    assert "signals.fitted, start" in record["evidence"]


def test_a_cross_validated_model_never_saw_the_row_nor_what_reaches_into_it(close):
    seen = []

    class Watched(Slope):
        def fit(self, examples):
            seen.append(np.unique(examples.session))
            return super().fit(examples)

    paths = Watched().cross_validated(inputs(close))
    assert paths.shape == (9, 130, 4, 1)
    assert not paths[:, 1:].isnan().any()
    assert len(seen) == 45
    # Each of ten stretches is left out by nine models, which keep three sessions' distance.
    stretch = np.arange(1 + 3 * 12, 1 + 4 * 12)
    without = [rows for rows in seen if not np.isin(stretch, rows).any()]
    assert len(without) == 9
    for rows in without:
        assert not np.isin(np.arange(stretch[0] - 3, stretch[-1] + 5), rows).any()


def test_a_models_skill_is_judged_on_what_followed(close):
    given = inputs(close)
    truth = np.full(close.shape, np.nan)
    truth[:-3] = close[3:] / close[1:-2] - 1.0
    wide = np.concatenate([close, close**1.5 / 7], axis=1)
    perfect = np.concatenate([truth, truth * 0 + 0.1], axis=1)
    perfect[:-3, 4:] = (wide[3:] / wide[1:-2] - 1.0)[:, 4:]
    figure = Slope().judged(torch.from_numpy(perfect)[..., None], inputs(wide), first=20)
    assert figure.value == pytest.approx(1.0)
    opposite = Slope().judged(torch.from_numpy(-perfect)[..., None], inputs(wide), first=20)
    assert opposite.value == pytest.approx(-1.0)
    few = Slope().judged(torch.from_numpy(truth)[..., None], given, first=20)
    assert few.value is None


def test_a_market_signal_is_judged_over_time(close):
    class Market(Slope):
        scope = "market"

        def observe(self, inputs):
            return features.returns(inputs.prices("close"), 1).mean(dim=1)

        def target(self, inputs):
            return self.observe(inputs)

    given = inputs(close)
    values = Market().observe(given)
    ahead = torch.full_like(values, torch.nan)
    ahead[:-2] = values[2:]
    figure = Market().judged(ahead[:, None], given, first=10)
    assert figure.value == pytest.approx(1.0)
    assert figure.n == 130 - 10 - 2


def test_too_few_sessions_for_the_folds_leave_an_audit_open(ran, bare_project, host):
    record = audit_run(ran.path, project=bare_project, host=host, placebos=9)["out-of-sample"]
    assert record["status"] == "inconclusive"
    assert "too few" in record["evidence"]


def test_an_audit_walks_and_crosses_what_was_fitted(bare_project, host, monkeypatch, tmp_path):
    found = host.get(Signal, "momentum")
    monkeypatch.setitem(host.components, (Signal, "slope"), [type(found)(Slope, found.provider)])
    rng = np.random.default_rng(4)
    clock = Clock.build("XNYS", Span(dt.date(2014, 1, 2), dt.date(2015, 6, 30)))
    # Drifts that last forty sessions or so, and so outlast the session that shows them.
    drift = np.cumprod(np.where(rng.random((len(clock), 6)) < 1 / 40, -1.0, 1.0), axis=0)
    close = 50 * np.exp((0.008 * drift + rng.normal(0, 0.01, drift.shape)).cumsum(axis=0))
    pd.concat(
        pd.DataFrame({"date": clock.sessions, "asset": f"A{i}", "close": close[:, i]})
        for i in range(6)
    ).to_csv(tmp_path / "prices.csv", index=False)
    config = {
        "name": "drifts",
        "span": {"start": "2014-07-01", "end": "2015-06-30"},
        "prices": {"use": "files-prices", "path": "prices.csv"},
        "signals": {"fitted": {"use": "slope"}},
        "strategy": {"use": "top-k", "signal": "fitted.value", "k": 2, "rebalance": "daily"},
        "optimizer": {"use": "equal"},
        "execution": {"fill": "next-close"},
    }
    result = finstrat.run(config, project=bare_project, host=host)
    record = audit_run(result.path, project=bare_project, host=host, placebos=9)["out-of-sample"]
    assert record["status"] == "pass", record["evidence"]
    assert len(record["sharpe"]) == len(record["ic"]["fitted"]) == 9
    assert min(record["ic"]["fitted"]) > 0.1
