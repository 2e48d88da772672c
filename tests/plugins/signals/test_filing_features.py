import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.signals.filing_features import OF_FACTS, OF_TEXT, FilingFeatures

from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.host import Host
from finstrat.testing import assert_causal
from finstrat.testing.scoring import installed_scoring
from finstrat.text.filing import parse_filing
from finstrat.text.filing_change import change
from finstrat.text.readability import reading
from finstrat.validate.causality import World

CLOCK = Clock.build("XNYS", Span(dt.date(2014, 1, 2), dt.date(2016, 6, 30)))
ASSETS = ("A", "B", "C")
CALM = "Our suppliers in several countries may raise their prices without much notice.\n"
FLOOD = "A flood could close our only factory near Springfield for many months.\n"
SCORE = installed_scoring(Host.load())


def report(year, risks=CALM, form="10-K"):
    return (
        f"FORM {form}\nFor the fiscal year ended December 31, {year}\nItem 1. Business\nWe make "
        "and sell wooden toys to shops in many cities, and had a loss.\n"
        f"Item 1A. Risk Factors\n{risks}Item 2. Properties\nNone.\n"
    )


def documents(*rows):
    """Rows of asset, the moment it became known, and text."""
    frame = pd.DataFrame(list(rows), columns=["asset", "known_at", "text"])
    frame["id"] = [str(number) for number in range(len(frame))]
    frame["event_at"] = frame["known_at"]
    return Documents.from_frame(frame, where="test")


def facts(*rows):
    """Rows of asset, item, value, period's end and the day it became known."""
    names = ["asset", "item", "value", "period_end", "known_at"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["known_at"] = frame["known_at"] + "T14:00:00Z"
    frame["version"] = frame.groupby(["asset", "item", "period_end"]).cumcount() + 1
    return Facts.from_frame(frame, where="test")


FIRST, SECOND = "2014-02-03T14:00:00Z", "2015-02-02T22:00:00Z"
TEXTS = documents(
    *(("A", FIRST, report(2013)), ("A", SECOND, report(2014, CALM + FLOOD))),
    *(("B", FIRST, report(2013, FLOOD)), ("B", SECOND, report(2014, FLOOD))),
    ("C", SECOND, report(2014)),
)
NUMBERS = facts(
    *(
        (asset, item, value * (1 + 0.1 * number) * size, f"{year}-12-31", f"{year + 1}-02-02")
        for number, year in enumerate((2012, 2013, 2014))
        for asset, size in (("A", 1.0), ("B", 3.0))
        for item, value in {
            "assets": 100.0,
            "current_assets": 40.0 + number,
            "current_liabilities": 20.0,
            "cash": 5.0,
            "receivables": 12.0,
            "property": 45.0,
            "long_term_debt": 30.0,
            "shares": 10.0,
            "revenue_year": 100.0,
            "revenue_nine_months": 70.0,
            "cost_of_revenue_year": 60.0 - number,
            "operating_income_year": 15.0,
            "overhead_year": 20.0,
            "depreciation_year": 5.0,
            "interest_expense_year": 3.0,
            "net_income_year": 9.0,
            "operating_cash_flow_year": 11.0,
        }.items()
        if item != "revenue_nine_months"
    ),
    ("A", "revenue_quarter", 30.0, "2013-12-31", "2014-02-02"),
    ("A", "revenue_quarter", 36.0, "2014-12-31", "2015-02-02"),
    ("A", "revenue_quarter", 33.0, "2014-12-31", "2015-06-01"),
    ("B", "revenue_quarter", 90.0, "2013-12-31", "2014-02-02"),
    ("B", "revenue_quarter", 81.0, "2014-12-31", "2015-02-02"),
)


def world(texts=TEXTS, numbers=NUMBERS):
    prices = np.full((len(CLOCK), len(ASSETS)), 10.0)
    return World(
        panel=Panel.from_fields(CLOCK.sessions, ASSETS, {"close": prices}),
        clock=CLOCK,
        documents=texts,
        facts=numbers,
        score=SCORE,
    )


def values(given=None, **options):
    signal = FilingFeatures(options)
    found = signal.compute((given or world()).inputs()).numpy()
    return dict(zip(signal.outputs, np.moveaxis(found, 2, 0), strict=True))


def row(day):
    return int(np.searchsorted(CLOCK.sessions, np.datetime64(day)))


def test_a_report_counts_from_the_session_after_its_acceptance():
    # Accepted after the close of Monday the second.
    found = values()["size"][:, 0]
    texts = (report(2013), report(2014, CALM + FLOOD))
    first, second = (reading(parse_filing(text).text).log_size for text in texts)
    assert np.isnan(found[row("2014-01-31")])
    assert found[row("2014-02-03")] == pytest.approx(first)
    assert found[row("2015-02-02")] == pytest.approx(first)
    assert found[row("2015-02-03")] == pytest.approx(second)


def test_measures_of_the_text_are_those_of_the_library():
    found, last = values(), row("2015-03-02")
    now, before = (parse_filing(report(2014, CALM + FLOOD)), parse_filing(report(2013)))
    read, changed = reading(now.text), change(now, before)
    expected = {
        "uncertainty": read.uncertainty,
        "litigiousness": read.litigiousness,
        "fog": read.fog,
        "cosine": changed.cosine,
        "jaccard": changed.jaccard,
        "risks_added": changed.risks_added,
    }
    for name, value in expected.items():
        assert found[name][last, 0] == pytest.approx(value), name
    # "loss" is the one listed word, beside "flood" and "close", which aren't.
    assert found["tone"][last, 0] == -1.0


def test_change_is_unknown_without_the_report_of_the_year_before():
    found = values()
    assert np.isnan(found["cosine"][row("2014-03-03")]).all()
    assert np.isnan(found["cosine"][row("2015-03-02"), 2])
    assert found["cosine"][row("2015-03-02"), 1] == pytest.approx(1.0)


def test_an_amendment_changes_nothing():
    amended = documents(
        ("A", FIRST, report(2013)), ("A", "2014-05-05T14:00:00Z", report(2013, FLOOD, "10-K/A"))
    )
    found = values(world(amended))["fog"][:, 0]
    assert found[row("2014-06-02")] == found[row("2014-03-03")]


def test_a_report_says_nothing_when_it_is_too_old():
    found = values(stale_days=100)["fog"][:, 0]
    assert not np.isnan(found[row("2014-05-14")])
    assert np.isnan(found[row("2014-05-15")])


def test_ratios_are_of_the_newest_year_and_quarter():
    found, last = values(), row("2015-03-02")
    assert found["revenue_growth"][last].tolist()[:2] == pytest.approx([0.2, -0.1])
    assert found["gross_margin"][last, 0] == pytest.approx((120 - 69.6) / 120)
    assert found["operating_margin"][last, 0] == pytest.approx(0.15)
    assert found["net_margin"][last, 0] == pytest.approx(0.09)
    assert found["coverage"][last, 0] == pytest.approx(5.0)
    assert found["leverage"][last, 0] == pytest.approx(0.3)
    assert found["cash_accruals"][last, 0] == pytest.approx((9 - 11) * 1.2 / 115)
    # Every sign but "no new shares", a rising return and a falling debt.
    assert found["f_score"][last, 0] == found["f_score"][last, 1]
    assert np.isnan([found[name][last, 2] for name in OF_FACTS]).all()


def test_a_restatement_counts_from_its_own_filing():
    found = values()["revenue_growth"][:, 0]
    assert found[row("2015-05-29")] == pytest.approx(0.2)
    assert found[row("2015-06-01")] == pytest.approx(0.1)


def test_a_currency_changes_no_ratio():
    found = values()
    for name in (*OF_FACTS[1:],):
        np.testing.assert_allclose(found[name][:, 0], found[name][:, 1], rtol=1e-12)


@pytest.mark.parametrize(("read", "known"), [("text", OF_TEXT), ("facts", OF_FACTS)])
def test_a_run_with_one_of_the_two_has_that_half(read, known):
    bare = world(numbers=Facts.empty()) if read == "text" else world(Documents.empty())
    signal = FilingFeatures({"read": [read]})
    assert signal.needs == ({"text": "documents", "facts": "facts"}[read],)
    found = values(bare, read=[read])
    assert tuple(found) == known
    assert not any(np.isnan(each).all() for each in found.values())


def test_without_any_input_nothing_is_known():
    found = FilingFeatures().compute(world(Documents.empty(), Facts.empty()).inputs())
    assert found.shape == (len(CLOCK), 3, len(OF_TEXT) + len(OF_FACTS))
    assert torch.isnan(found).all()


def test_it_never_looks_ahead():
    assert_causal(FilingFeatures(), world())
