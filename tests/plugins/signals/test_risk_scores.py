import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.signals.risk_scores import RiskScores

from finstrat.components import Inputs
from finstrat.credit.borrowers import Columns
from finstrat.credit.calibration import Calibration
from finstrat.credit.encoding import Column, Encoding
from finstrat.credit.machines import Linear
from finstrat.credit.model import CreditScorecard
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.errors import DataError
from finstrat.testing import assert_causal
from finstrat.validate.causality import World

CLOCK = Clock.build("XNYS", Span(dt.date(2015, 1, 2), dt.date(2015, 12, 31)))
SOUND = {
    "assets": 100.0,
    "current_assets": 40.0,
    "liabilities": 50.0,
    "current_liabilities": 30.0,
    "retained_earnings": 20.0,
    "total_equity": 50.0,
    "revenue_year": 150.0,
    "operating_income_year": 10.0,
    "net_income_year": 5.0,
    "operating_cash_flow_year": 10.0,
    "shares_on_cover": 6.0,
}
WEAK = {**SOUND, "current_assets": 20.0, "retained_earnings": -40.0, "net_income_year": -8.0}


def facts(companies, *, known_at="2015-02-02T14:00:00Z"):
    rows = [
        (asset, item, value, "2014-12-31", known_at)
        for asset, items in companies.items()
        for item, value in items.items()
    ]
    earlier = [
        (asset, "net_income_year", 3.0, "2013-12-31", "2014-02-03T14:00:00Z") for asset in companies
    ]
    names = ["asset", "item", "value", "period_end", "known_at"]
    return Facts.from_frame(pd.DataFrame(rows + earlier, columns=names), where="test")


def world(companies, *, split_on=None, levels=True):
    """Prices around 10 that move; with `split_on`, a split of two for one on that session."""
    rng = np.random.default_rng(0)
    shape = (len(CLOCK), len(companies))
    close = 10.0 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    factor = np.ones(shape)
    if split_on is not None:
        close[split_on:] /= 2.0
        factor[:split_on] = 0.5
    fields = {"close": close, **({"adj_factor": factor} if levels else {})}
    return World(
        panel=Panel.from_fields(CLOCK.sessions, list(companies), fields),
        documents=Documents.empty(),
        facts=facts(companies),
        clock=CLOCK,
    )


def scores(given, **options):
    inputs = given.inputs() if isinstance(given, World) else given
    values = RiskScores({"window": 20, **options}).compute(inputs).numpy()
    return dict(zip(RiskScores().outputs, np.moveaxis(values, 2, 0), strict=True))


def test_scores_of_a_known_firm_follow_the_formulas():
    given = world({"A": SOUND})
    found, last = scores(given), -1
    assert found["z2"][last, 0] == pytest.approx(0.656 + 0.652 + 0.672 + 1.05)
    since = CLOCK.first_session_to_know(np.array(["2015-02-02T14:00"], dtype="datetime64[ns]"))[0]
    close = given.panel.field("close")[:, 0]
    market = 6.0 * close[last]
    expected = 0.12 + 0.28 + 0.33 + 0.6 * market / 50.0 + 0.999 * 1.5
    assert found["z"][last, 0] == pytest.approx(expected)
    assert np.isnan(found["z2"][:since]).all()
    assert not np.isnan(found["z2"][since:]).any()


def test_weaker_firm_is_less_safe_on_every_score():
    found = scores(world({"A": SOUND, "B": WEAK}))
    assert found["z2"][-1, 0] > found["z2"][-1, 1]
    assert found["o"][-1, 0] < found["o"][-1, 1]
    assert found["safety"][-1, 0] > found["safety"][-1, 1]


def test_split_after_the_count_of_shares_changes_no_market_value():
    plain, split = scores(world({"A": SOUND})), scores(world({"A": SOUND}, split_on=200))
    for name in ("z", "distance"):
        np.testing.assert_allclose(split[name], plain[name], rtol=1e-12)


def test_prices_of_unknown_level_give_no_market_value():
    found = scores(world({"A": SOUND}, levels=False))
    assert np.isnan(found["z"]).all()
    assert np.isnan(found["distance"]).all()
    assert not np.isnan(found["z2"][-1, 0])


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"financial": ["A"]}, {}),
        ({}, {"sic": 6022.0}),
        ({}, {"current_liabilities": None}),
        ({"stale_days": 60}, {}),
    ],
    ids=["named", "industry", "no current liabilities", "too old"],
)
def test_firm_outside_the_scores_has_none(options, changed):
    given = {key: value for key, value in {**SOUND, **changed}.items() if value is not None}
    found = scores(world({"A": given}), **options)
    assert all(np.isnan(values[-1, 0]) for values in found.values())


def test_liabilities_and_operating_income_are_filled_from_what_implies_them():
    left_out = {"liabilities", "operating_income_year"}
    given = {key: value for key, value in SOUND.items() if key not in left_out}
    given |= {"pretax_income_year": 8.0, "interest_expense_year": 2.0}
    assert scores(world({"A": given}))["z2"][-1, 0] == scores(world({"A": SOUND}))["z2"][-1, 0]


def test_without_any_fact_nothing_is_known():
    empty = Inputs(
        panel=world({"A": SOUND}).panel,
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=CLOCK,
        device=torch.device("cpu"),
    )
    assert np.isnan(RiskScores({"window": 20}).compute(empty).numpy()).all()


def test_it_never_looks_ahead():
    given = world({"A": SOUND, "B": WEAK, "C": {**SOUND, "assets": 90.0}}, split_on=150)
    assert_causal(RiskScores({"window": 20}), given)


def credit_model(path, *, trained_until):
    """A model whose log odds of default are the operating loss, in the facts' own unit."""
    read = Column("operating_income_year", None, np.zeros(1), np.zeros(1), 0.0, flagged=False)
    CreditScorecard(
        columns=Columns(features=(read.name,)),
        encoding=Encoding("plain", (read,)),
        machine=Linear(-np.ones(1), np.zeros(1)),
        calibration=Calibration(1.0, 0.0),
        edges=(0.5,),
        typical={read.name: 0.0},
        seen=np.zeros(1, dtype=np.uint64),
        judged=pd.DataFrame({"probability": [0.5]}),
        card={"name": "loss", "horizon_years": 1.0, "trained_until": trained_until},
    ).save(path)
    return RiskScores({"window": 20, "model": path})


def test_credit_model_gives_its_probability_from_the_cutoff_its_facts_were_known_at(tmp_path):
    signal = credit_model(tmp_path / "m", trained_until="2013-12-31")
    assert signal.outputs[-1] == "probability"
    made = world({"A": SOUND, "B": {**SOUND, "operating_income_year": -2.0}})
    found = signal.compute(made.inputs())[:, :, -1].numpy()
    # Known on 2 February 2015 at 14:00 UTC, before that session's close.
    first = int(np.searchsorted(CLOCK.sessions, np.datetime64("2015-02-02")))
    assert np.isnan(found[:first]).all()
    assert found[first:, 0] == pytest.approx(1 / (1 + np.exp(10.0)))
    assert found[first:, 1] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert_causal(signal, made)


def test_model_says_nothing_before_its_own_outcomes_were_known(tmp_path):
    signal = credit_model(tmp_path / "m", trained_until="2014-05-29")
    found = signal.compute(world({"A": SOUND}).inputs())[:, 0, -1].numpy()
    usable = CLOCK.sessions > np.datetime64("2015-05-30")
    assert np.isnan(found[~usable]).all()
    assert not np.isnan(found[usable]).any()


def test_model_without_dates_is_refused(tmp_path):
    signal = credit_model(tmp_path / "m", trained_until=None)
    with pytest.raises(DataError, match="had no dates.*train it with --date"):
        signal.compute(world({"A": SOUND}).inputs())
