import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sections.costs import CostsSection
from finstrat_plugins.sections.data_quality import DataQualitySection
from finstrat_plugins.sections.drawdown import DrawdownSection
from finstrat_plugins.sections.exposure import ExposureSection
from finstrat_plugins.sections.models import ModelsSection
from finstrat_plugins.sections.monthly_returns import MonthlyReturnsSection
from finstrat_plugins.sections.performance import PerformanceSection
from finstrat_plugins.sections.provenance import ProvenanceSection
from finstrat_plugins.sections.risk_figures import RiskSection
from finstrat_plugins.sections.rolling import RollingSection
from finstrat_plugins.sections.signal_tearsheet import SignalTearsheetSection
from finstrat_plugins.sections.tail_forecasts import TailForecastsSection
from finstrat_plugins.sections.timing import TimingSection
from finstrat_plugins.sections.verdict import VerdictSection

import finstrat
from finstrat.testing import synthetic_market
from finstrat.text import ModelCard
from finstrat.validate.signal_record import signal_record

SECTIONS = [
    *(CostsSection, DataQualitySection, DrawdownSection, ExposureSection, ModelsSection),
    *(MonthlyReturnsSection, PerformanceSection, ProvenanceSection, RiskSection, RollingSection),
    *(SignalTearsheetSection, TailForecastsSection, TimingSection, VerdictSection),
]


@pytest.mark.parametrize("section", SECTIONS)
def test_section_says_something_of_a_run_with_text(section, world, bare_project, host):
    result = finstrat.run(world, project=bare_project, host=host)
    block = section().build(result)
    assert block.title
    assert block.text or block.figures or block.tables or block.charts
    for chart in block.charts:
        assert chart.alt
        json.dumps(chart.spec, allow_nan=False)


def only(figures, label):
    return next(figure for name, figure in figures if name == label)


def test_monthly_returns_compound_within_the_month(make_result):
    result = make_result([0.10, -0.10, 0.05, np.nan])
    (table,) = MonthlyReturnsSection().build(result).tables
    (row,) = table.rows
    assert row[0] == "2015"
    assert row[1] == pytest.approx((1.1 * 0.9 - 1) * 100)
    assert row[2] == pytest.approx(5.0)
    assert row[3:13] == (None,) * 10
    assert row[13] == pytest.approx(round((1.1 * 0.9 * 1.05 - 1) * 100, 2))


def test_drawdown_lists_its_episodes_with_recovery(make_result):
    result = make_result([-0.10, 0.20, -0.05, -0.05])
    (table,) = DrawdownSection().build(result).tables
    assert table.rows == (
        ("2015-01-29", "2015-01-29", -10.0, 1, "2015-01-30"),
        ("2015-02-02", "2015-02-03", -9.75, 2, "not yet"),
    )


def test_costs_add_up_and_show_the_drag(make_result):
    block = CostsSection().build(make_result([0.01, 0.01, 0.01, 0.01]))
    assert only(block.figures, "Fees, USD").value == pytest.approx(8.0)
    assert only(block.figures, "Slippage, USD").value == pytest.approx(4.0)
    assert only(block.figures, "Cost drag a year").value == pytest.approx(0.001 * 252)
    assert block.tables[0].rows == (("2015", 8.0, 4.0),)
    assert "not declared" in only(block.figures, "Inference, USD").reason_if_null


def test_declared_inference_is_shown_with_the_capital_it_needs(make_result):
    result = make_result([0.01, 0.01])
    result.sessions["inference"] = [2.0, 3.0]
    result.sessions["twin"] = 0.004
    block = CostsSection().build(result)
    assert only(block.figures, "Inference, USD").value == 5.0
    assert block.tables[0].columns == ("Year", "Fees", "Slippage", "Inference")
    drag = (2 / 1000 + 3 / 1010) / 2
    capital = only(block.figures, "Break-even capital")
    assert capital.value == pytest.approx(2.5 / (0.006 + drag))


def test_borrow_fees_are_shown_where_something_was_borrowed(make_result):
    result = make_result([0.01, 0.01])
    result.sessions["borrow"] = [0.0, 1.5]
    block = CostsSection().build(result)
    assert only(block.figures, "Borrow fees, USD").value == 1.5
    assert block.tables[0].columns == ("Year", "Fees", "Slippage", "Borrow fees")


def test_exposure_measures_what_was_held(make_result):
    block = ExposureSection().build(make_result([0.01, 0.01]))
    assert only(block.figures, "Average exposure").value == pytest.approx(0.75)
    # Shares 2/3 and 1/3: 1 / (4/9 + 1/9) = 1.8 equal names.
    assert only(block.figures, "Effective number of names").value == pytest.approx(1.8)
    assert only(block.figures, "Concentration, Herfindahl").value == pytest.approx(5 / 9)
    assert only(block.figures, "Turnover").value == pytest.approx(126.0)
    assert block.tables[0].rows == (("A", 50.0, 50.0), ("B", 25.0, 25.0))


def test_placebos_are_drawn_around_the_run_one_chart_a_kind(make_result):
    placebos = {"shift": [0.0, 1e-4] * 20, "swap": [0.0] * 19}
    record = {"status": "pass", "evidence": "p = 0.05.", "own": 0.001, "placebos": placebos}
    result = make_result([0.01, 0.01], checks={"placebo": record})
    shifted, swapped = VerdictSection().build(result).charts
    bars, rule = shifted.spec["layer"]
    assert sum(row["count"] for row in bars["data"]["values"]) == 40
    assert rule["data"]["values"] == [{"own": 10.0}]
    assert swapped.title.endswith("swapped between assets")
    assert VerdictSection().build(make_result([0.01, 0.01])).charts == ()


def test_lags_are_drawn_and_listed_and_absent_ones_were_not_run(make_result):
    rows = [{"lag": k, "mean": k * 1e-4, "low": None, "high": None} for k in (-1, 0, 1)]
    record = {"status": "diagnostic", "evidence": "Why.", "figures": [], "lags": rows}
    block = TimingSection().build(make_result([0.01, 0.01], checks={"lags": record}))
    assert block.text[0] == "Why."
    assert block.tables[0].rows == (
        (-1, -1.0, None, None),
        (0, 0.0, None, None),
        (1, 1.0, None, None),
    )
    assert block.charts[0].alt.endswith("the highest is at +1.")
    assert TimingSection().build(make_result([0.01, 0.01])).status == "not run"


def test_tail_forecasts_are_made_and_judged_on_a_long_run(make_result):
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2015-01-01", periods=900, name="session")
    result = make_result(rng.normal(0, 0.01, 900), days=days)
    block = TailForecastsSection().build(result)
    (table,) = block.tables
    assert len(table.rows) == 12
    historical = table.rows[0]
    assert historical[:2] == ("historical", 95)
    # The book of the factory holds 0.75 of assets that return what the account does.
    assert historical[2] == pytest.approx(0.75 * 1.645, rel=0.15)
    assert historical[4] > 5.0
    lines, breaches, now = (chart.spec["data"]["values"] for chart in block.charts)
    assert len(lines) == 400
    assert [breaches[0]["group"], breaches[0]["series"]] == ["historical", "95%"]
    assert breaches[0]["value"] == pytest.approx(historical[4] / 5, abs=1e-3)
    assert now[0]["value"] * 100 == pytest.approx(historical[3], abs=0.01)


def test_short_run_says_why_it_has_no_tail_forecast(make_result):
    block = TailForecastsSection().build(make_result([0.01, 0.01]))
    assert "rests on 500 sessions; the run has 2" in block.text[0]


def test_card_of_a_model_that_may_know_the_period_is_marked(make_result):
    def card(name, cutoff):
        given = {"version": "1", "summary": "", "training_data": (), "licence": ""}
        return ModelCard(name=name, training_cutoff=cutoff, cutoff_reason="", **given)

    cards = (card("a", dt.date(2015, 1, 28)), card("b", dt.date(2015, 1, 30)), card("c", None))
    result = make_result([0.01, 0.0, 0.02, 0.01], cards=cards)
    assert str(result.sessions.index[0].date()) == "2015-01-29"
    table = ModelsSection().build(result).tables[0]
    marks = [row[table.columns.index("May know the period")] for row in table.rows]
    assert marks == ["no", "contaminated: 50% of sessions", "contaminated: 100% of sessions"]


def test_event_study_is_drawn_over_random_dates_and_listed(make_result):
    offsets = list(range(-10, 11))
    band = {f"{who}{end}": [0.0] * 21 for who in ("", "placebo_") for end in ("low", "high")}
    path = {"events": 30, "dates": 25, "offsets": offsets, "mean": [k * 1e-4 for k in offsets]}
    study = {"scorer": "lex", "about": "assets", "paths": {"bad": path | band, "good": path | band}}
    record = {"status": "diagnostic", "evidence": "Late.", "figures": [], "studies": [study]}
    block = TimingSection().build(make_result([0.01, 0.01], checks={"event-study": record}))
    assert block.text[0] == "Late."
    assert [chart.title for chart in block.charts] == [
        "Prices around strongly positive texts, by lex",
        "Prices around strongly negative texts, by lex",
    ]
    assert [table.title for table in block.tables] == [
        "Around strongly positive texts by lex, basis points",
        "Around strongly negative texts by lex, basis points",
    ]
    assert block.tables[0].columns == (
        *("Session", "Mean", "Low", "High"),
        *("Random, low", "Random, high"),
    )
    assert [row[1] for row in block.tables[0].rows] == [float(k) for k in offsets]
    few = {**record, "studies": [{**study, "paths": {}}]}
    assert (
        TimingSection().build(make_result([0.01, 0.01], checks={"event-study": few})).charts == ()
    )


def test_a_tearsheet_is_drawn_and_listed_and_an_older_run_says_that_it_has_none(make_result):
    panel = synthetic_market().panel
    values = np.random.default_rng(0).normal(size=panel.shape)
    kept = {
        "a.asset": signal_record(values, panel, fill="next-close", first=0, reads_text=True),
        "a.market": signal_record(values[:, 0], panel, fill="next-close", first=0),
        "a.unknown": signal_record(values * np.nan, panel, fill="next-close", first=0),
    }
    block = SignalTearsheetSection().build(make_result([0.0, 0.01], signals=kept))
    # Nothing is drawn of what is unknown, and its figures say why they are null.
    assert len(block.charts) == 2 + 2 + 1
    assert "a.unknown" not in str([chart.spec for chart in block.charts])
    decay, fifths, across, market = block.tables
    assert [len(table.columns) for table in (across, market)] == [6, 4]
    assert [row[0] for row in market.rows] == ["a.market"]
    assert all(len(row) == len(table.columns) for table in block.tables for row in table.rows)
    assert len(decay.rows) == len(fifths.rows) == 3
    assert set(decay.rows[2][1:]) == {None}
    whole = only(block.figures, "a.asset: From the next fill, 1 session")
    assert decay.rows[0][1] == pytest.approx(whole.value, abs=1e-3)
    low, high = whole.ci
    assert decay.rows[0][2] == pytest.approx((high - low) / 2, abs=1e-3)
    assert "isn't split at the models' cutoff: a model doesn't say" in block.text[-1]
    assert block.charts[-1].spec["encoding"]["color"]["scale"]["domain"] == ["a asset", "a market"]
    twice = {"a.asset": kept["a.asset"], "a.other": kept["a.asset"], "a.unknown": kept["a.unknown"]}
    block = SignalTearsheetSection().build(make_result([0.0, 0.01], signals=twice))
    assert "a.other ranks as a.asset does at every session" in "".join(block.text)
    assert [row[0] for row in block.tables[0].rows] == ["a.asset", "a.unknown"]
    older = SignalTearsheetSection().build(make_result([0.0, 0.01]))
    assert "stored before runs kept a tearsheet" in older.text[0]
