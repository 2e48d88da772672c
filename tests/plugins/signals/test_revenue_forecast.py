import datetime as dt

import numpy as np
import pandas as pd
from finstrat_plugins.signals.revenue_forecast import RevenueForecast

from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.testing import assert_causal
from finstrat.validate.causality import World

CLOCK = Clock.build("XNYS", Span(dt.date(2012, 1, 3), dt.date(2016, 12, 30)))
ASSETS = ("A", "B", "C", "D")
QUARTERS = pd.date_range("2010-03-31", "2016-09-30", freq="QE")


def facts(growth, *, days=40):
    """Revenues whose growth on the year before is `growth` [quarters, assets], known 40 days on."""
    revenue = np.full((len(QUARTERS), len(ASSETS)), 100.0)
    for row in range(4, len(QUARTERS)):
        revenue[row] = revenue[row - 4] * (1.0 + growth[row])
    frame = pd.DataFrame(
        {
            "asset": np.tile(ASSETS, len(QUARTERS)),
            "item": "revenue_quarter",
            "value": revenue.ravel(),
            "period_end": np.repeat(QUARTERS, len(ASSETS)),
        }
    )
    frame["known_at"] = (frame["period_end"] + pd.Timedelta(days=days)).dt.tz_localize("UTC")
    return Facts.from_frame(frame, where="test")


def halving(seed=0):
    """Growth that is half of what it was, and a little else."""
    rng = np.random.default_rng(seed)
    growth = rng.normal(0.0, 0.3, (len(QUARTERS), len(ASSETS)))
    for row in range(1, len(QUARTERS)):
        growth[row] = 0.5 * growth[row - 1] + rng.normal(0.0, 0.2, len(ASSETS))
    return np.clip(growth, -0.6, 0.8)


def world(given):
    prices = np.full((len(CLOCK), len(ASSETS)), 10.0)
    return World(
        panel=Panel.from_fields(CLOCK.sessions, ASSETS, {"close": prices}),
        clock=CLOCK,
        documents=Documents.empty(),
        facts=given,
    )


def said(given, **options):
    values = RevenueForecast(options).compute(world(given).inputs()).numpy()
    return values[:, :, 0], values[:, :, 1]


def row(day):
    return int(np.searchsorted(CLOCK.sessions, np.datetime64(day)))


def test_a_law_of_growth_is_learnt():
    growth = halving()
    found, change = said(facts(growth))
    known = row("2016-11-18")  # the third quarter was known on 9 November
    truth = 0.5 * growth[-1]
    assert np.corrcoef(found[known], truth)[0, 1] > 0.9
    np.testing.assert_allclose(found[known] - change[known], growth[-1], atol=1e-12)


def test_a_forecast_holds_until_the_next_quarter_is_known():
    found, _ = said(facts(halving()))
    first, last = row("2015-05-11"), row("2015-08-07")  # known on 10 May and 9 August
    assert (found[first : last + 1] == found[first]).all()
    assert (found[row("2015-08-10")] != found[first]).all()


def test_nothing_is_said_before_enough_quarters_have_an_answer():
    found, _ = said(facts(halving()), min_examples=12)
    # The first quarter that follows a known one is learnt of in May 2012, and its answer 85
    # sessions later: four companies have twelve such examples after three quarters.
    assert np.isnan(found[: row("2013-01-02")]).all()
    assert not np.isnan(found[row("2013-08-12") :]).any()
    assert np.isnan(said(facts(halving()), min_examples=200)[0]).all()


def test_without_a_law_nothing_changes():
    steady = np.full((len(QUARTERS), len(ASSETS)), 0.1)
    found, change = said(facts(steady))
    np.testing.assert_allclose(found[-1], 0.1)
    np.testing.assert_allclose(change[-1], 0.0, atol=1e-12)


def test_a_quarter_that_is_too_old_says_nothing():
    found, _ = said(facts(halving()), stale_days=60)
    assert not np.isnan(found[row("2015-05-29")]).any()
    assert np.isnan(found[row("2015-06-01")]).all()


def test_growth_beyond_all_measure_counts_as_its_bound():
    wild = halving()
    wild[10] = 50.0
    found, _ = said(facts(wild))
    assert np.nanmax(np.abs(found)) < 3.0


def test_the_equation_is_told():
    told = []
    inputs = world(facts(halving())).inputs()
    inputs = type(inputs)(**{**inputs.__dict__, "fitted": told.append})
    RevenueForecast().compute(inputs)
    assert told
    assert told[-1].note.startswith("change = ")


def test_it_never_looks_ahead():
    assert_causal(RevenueForecast(), world(facts(halving())))
