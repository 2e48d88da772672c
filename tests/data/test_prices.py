import datetime as dt

import numpy as np
import pandas as pd
import pytest

from finstrat.data import Span, Universe
from finstrat.data.price_files import read_prices
from finstrat.data.prices import panel_from_table
from finstrat.errors import DataError

SPAN = Span(dt.date(2015, 1, 1), dt.date(2015, 12, 31))
LONG = """Date,Ticker,Open,High,Low,Close,Adj Close,Volume
2015-03-03,BB,20,22,19,21,10.5,200
2015-03-02,AA,10,12,9,11,11,100
2015-03-02,BB,19,21,18,20,10,300
2015-03-03,AA,11,13,10,12,12,
"""
YFINANCE = """Price,Close,Close,Open,Open
Ticker,AA,BB,AA,BB
Date,,,,
2015-03-02,11,20,10,19
2015-03-03,12,21,11,20
"""
BY_TICKER = """,AA,AA,BB,BB
,Open,Close,Open,Close
2015-03-02,10,11,19,20
2015-03-03,11,12,20,21
"""
CLOSES = """date,AA,BB
2015-03-02,11,20
2015-03-03,12,21
"""


def load(tmp_path, content, *, universe=None, span=SPAN, name="p.csv"):
    path = tmp_path / name
    path.write_text(content)
    return panel_from_table(
        read_prices(path), universe or Universe(), span=span, source="s", where=name
    )


@pytest.mark.parametrize("content", [LONG, YFINANCE, BY_TICKER, CLOSES])
def test_every_shape_of_csv_gives_the_same_closes(tmp_path, content):
    panel = load(tmp_path, content)
    assert panel.assets == ("AA", "BB")
    assert panel.times.astype(str).tolist() == ["2015-03-02", "2015-03-03"]
    assert panel.field("close").tolist() == [[11, 20], [12, 21]]
    if content != CLOSES:
        assert panel.field("open").tolist() == [[10, 19], [11, 20]]


@pytest.mark.parametrize("level_order", [[0, 1], [1, 0]])
def test_wide_parquet_may_have_field_or_ticker_first(tmp_path, level_order):
    columns = pd.MultiIndex.from_tuples(
        [("Close", "AA"), ("Close", "BB"), ("Adj Close", "AA"), ("Adj Close", "BB")]
    ).reorder_levels(level_order)
    dates = pd.DatetimeIndex(["2015-03-02", "2015-03-03"], name="Date")
    frame = pd.DataFrame([[11.0, 20.0, 11.0, 10.0], [12.0, 21.0, 12.0, 10.5]], dates, columns)
    frame.to_parquet(tmp_path / "p.parquet")
    table = read_prices(tmp_path / "p.parquet")
    panel = panel_from_table(table, Universe(), span=SPAN, source="s", where="p")
    assert panel.field("close").tolist() == [[11, 20], [12, 21]]
    assert panel.adjusted("close").tolist() == [[11, 10], [12, 10.5]]


def test_plain_closes_may_name_a_ticker_like_a_field(tmp_path):
    panel = load(tmp_path, "Date,LOW,MSFT\n2015-03-02,70,44\n")
    assert panel.assets == ("LOW", "MSFT")


def test_adj_factor_is_adjusted_over_raw_close(tmp_path):
    panel = load(tmp_path, LONG)
    assert panel.field("adj_factor").tolist() == [[1, 0.5], [1, 0.5]]
    assert "adj_close" not in panel.fields


def test_empty_cell_is_unknown(tmp_path):
    volume = load(tmp_path, LONG).field("volume")
    np.testing.assert_array_equal(volume, [[100, 300], [np.nan, 200]])


def test_row_order_changes_nothing(tmp_path):
    head, *rows = LONG.splitlines()
    shuffled = "\n".join([head, *rows[::-1]])
    assert load(tmp_path, shuffled).digest() == load(tmp_path, LONG).digest()


def test_universe_chooses_and_orders_the_assets(tmp_path):
    assert load(tmp_path, LONG, universe=Universe(assets=("BB", "AA"))).assets == ("BB", "AA")


def test_asset_that_the_file_lacks_is_left_out_and_counted(tmp_path):
    panel = load(tmp_path, CLOSES, universe=Universe(assets=("AA", "ZZ")))
    assert panel.assets == ("AA",)
    (finding,) = panel.findings
    assert (finding.check, finding.count, finding.detail) == (
        "asset without prices",
        1,
        "left out: ZZ",
    )


def test_nothing_of_what_was_asked_is_an_error_with_the_nearest_name(tmp_path):
    with pytest.raises(DataError, match='no prices of "AAA"; did you mean "AA"'):
        load(tmp_path, CLOSES, universe=Universe(assets=("AAA",)))


def test_rows_outside_the_span_are_not_loaded(tmp_path):
    one_day = Span(dt.date(2015, 3, 3), dt.date(2015, 3, 3))
    assert load(tmp_path, CLOSES, span=one_day).times.astype(str).tolist() == ["2015-03-03"]
    with pytest.raises(DataError, match="no price between"):
        load(tmp_path, CLOSES, span=Span(dt.date(2016, 1, 1), dt.date(2016, 2, 1)))


def test_price_at_or_below_zero_becomes_unknown_and_is_counted(tmp_path):
    panel = load(tmp_path, LONG.replace("2015-03-02,AA,10,", "2015-03-02,AA,0,"))
    assert np.isnan(panel.field("open")[0, 0])
    (finding,) = panel.findings
    assert finding.check == "open at or below zero"
    assert finding.detail == "made unknown (first: AA on 2015-03-02)"
    assert finding.severity == "warning"


def test_column_that_is_not_read_is_named(tmp_path):
    panel = load(tmp_path, "date,asset,close,mood\n2015-03-02,AA,11,3\n")
    (finding,) = panel.findings
    assert (finding.check, finding.detail) == ("column not read", "mood")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LONG + "2015-03-03,AA,11,13,10,12,12,\n", "row 5: AA on 2015-03-03 comes twice"),
        (CLOSES + "2015-03-03,12,21\n", "row 3: 2015-03-03 comes twice"),
        (LONG.replace(",21,", ",n/a,", 1), "row 1: close 'n/a' is no finite number"),
        (CLOSES.replace("21", "x"), "row 2: close of BB 'x' is no finite number"),
        (LONG.replace("2015-03-02,AA", "2015-03-02 09:30:00,AA"), "row 2: .*daily dates only"),
        (LONG.replace("2015-03-02,AA", "2015-03-02,"), "row 2: asset is missing"),
        ("date,open,close\n2015-03-02,1,2\n", "no column asset"),
        ("date,open,high\n2015-03-02,1,2\n", "no column asset"),
        ("date,ticker,open\n2015-03-02,AA,2\n", "no column close"),
        ("date,AA,AA\n2015-03-02,1,2\n", "two columns are called AA"),
        (YFINANCE.replace("Close", "Volume"), "neither header row names the field close"),
        (YFINANCE.replace("AA,BB,AA,BB", "AA,AA,AA,BB"), "two columns are called Close / AA"),
        ("date,asset,close,currency\n2015-03-02,A,1,EUR\n", "prices in EUR, but the run is in USD"),
        ("date,asset,close,currency\n2015-03-02,A,1,EUR\n2015-03-02,B,1,USD\n", "EUR, USD"),
    ],
)
def test_refused_price_file_says_what_and_where(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, content)


RAW = """date,asset,close,adj_close,dividend,split,halted
2015-03-02,AA,100,49,0,0,0
2015-03-03,AA,50,49,,2,1
2015-03-04,AA,49,49,1,,0
"""


def test_corporate_actions_are_read_and_a_split_of_zero_is_none(tmp_path):
    panel = load(tmp_path, RAW)
    assert np.array_equal(panel.field("split")[:, 0], [np.nan, 2, np.nan], equal_nan=True)
    assert np.array_equal(panel.field("dividend")[:, 0], [0, np.nan, 1], equal_nan=True)
    assert panel.field("halted")[:, 0].tolist() == [0, 1, 0]
    assert not [each for each in panel.findings if "split" in each.check]


def test_split_without_adjusted_close_is_counted(tmp_path):
    content = "\n".join(
        ",".join(cell for i, cell in enumerate(line.split(",")) if i != 3)
        for line in RAW.splitlines()
    )
    (finding,) = load(tmp_path, content).findings
    assert (finding.check, finding.count) == ("split without adjusted close", 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("49,49,1,,0", "49,49,-1,,0", r"row 3: dividend of AA is -1; expected cash a share"),
        ("49,,2,1", "49,,-2,1", r"row 2: split of AA is -2; expected new shares"),
        ("49,,2,1", "49,,2,7", r"row 2: halted of AA is 7; expected 0 or 1"),
    ],
)
def test_impossible_corporate_action_names_its_row(tmp_path, old, new, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, RAW.replace(old, new))
