import numpy as np
import pandas as pd

from finstrat.data import Documents, Panel
from finstrat.data.quality import document_findings, panel_findings

TIMES = np.arange("2015-03-02", "2015-03-14", dtype="datetime64[D]")


def checks(findings):
    return {finding.check: finding.count for finding in findings}


def panel(close, **options):
    fields = {"close": close, **options.pop("fields", {})}
    return Panel.from_fields(TIMES[: len(close)], ["AA", "BB"], fields, **options)


def varied(sessions=12):
    return np.column_stack([100 + np.arange(sessions), 50 + np.arange(sessions) % 2]).astype(float)


def test_clean_prices_give_no_finding():
    assert panel_findings(panel(varied()), source="s") == ()


def test_missed_split_is_listed_with_its_asset():
    close = varied()
    close[6:, 1] *= 4
    (finding,) = panel_findings(panel(close), source="s")
    assert finding.count == 1
    assert finding.detail.endswith("(most: BB)")


def test_adjusted_split_is_no_jump():
    close = varied()
    close[6:, 1] *= 4
    factor = np.ones((12, 2))
    factor[:6, 1] = 4
    assert panel_findings(panel(close, fields={"adj_factor": factor}), source="s") == ()


def test_ten_unchanged_closes_are_stale_and_nine_are_not():
    close = varied()
    close[:11, 0] = 110.0
    assert checks(panel_findings(panel(close), source="s")) == {
        "close unchanged for 10 sessions": 1
    }
    close[10, 0] = 110.5
    assert panel_findings(panel(close), source="s") == ()


def test_member_without_a_price_is_counted():
    close = varied()
    close[3, 0] = np.nan
    found = panel_findings(panel(close, member=np.ones((12, 2), bool)), source="s")
    assert checks(found) == {"member without a price": 1}


def test_close_outside_low_and_high_is_counted():
    close = varied()
    high = close + 1
    high[2, 0] = close[2, 0] - 0.5
    fields = {"open": close - 0.6, "high": high, "low": close - 1}
    found = panel_findings(panel(close, fields=fields), source="s")
    assert checks(found) == {"open or close outside low–high": 1}


def test_doubtful_documents_are_counted_and_kept():
    documents = Documents.from_frame(
        pd.DataFrame(
            {
                "id": ["a", "b", "c", "d"],
                "event_at": ["2015-03-02T12:00:00Z"] * 4,
                "known_at": [
                    "2015-03-02T12:00:00Z",
                    "2015-03-02T12:00:00Z",
                    "2015-03-20T12:00:00Z",
                    "2015-03-01T12:00:00Z",
                ],
                "text": ["same", "same", " ", "other"],
            }
        ),
        where="f",
    )
    assert checks(document_findings(documents, source="s")) == {
        "empty text": 1,
        "repeated text": 1,
        "late stamp": 1,
        "known before the event": 1,
    }
