import numpy as np
import pandas as pd
import pytest

from finstrat.data import Universe
from finstrat.data.frames import (
    numbers,
    read_table,
    require_columns,
    require_dates,
    require_utc,
    whole_numbers,
    with_standard_names,
)
from finstrat.errors import DataError


def column(*cells):
    return pd.DataFrame({"x": list(cells)})


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_cells_stay_text(tmp_path):
    table = read_table(
        written(tmp_path, "a.csv", "id,ticker,x\n418157151946035201,NA,\n007,NaN,1\n")
    )
    assert table["id"].tolist() == ["418157151946035201", "007"]
    assert table["ticker"].tolist() == ["NA", "NaN"]
    assert table["x"].isna().tolist() == [True, False]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    table = read_table(written(tmp_path, "a.csv", b"\xef\xbb\xbfdate,x\n2015-03-02,1\n"))
    assert list(table.columns) == ["date", "x"]


def test_json_lines_keep_long_ids(tmp_path):
    table = read_table(
        written(tmp_path, "a.jsonl", '{"id": 418157151946035201, "t": "2015-03-02"}\n')
    )
    assert table["id"].tolist() == [418157151946035201]
    assert table["t"].tolist() == ["2015-03-02"]


def test_parquet_with_named_index_keeps_it_as_a_column(tmp_path):
    frame = pd.DataFrame({"x": [1.0]}, index=pd.Index(["2015-03-02"], name="Date"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(read_table(tmp_path / "a.parquet").columns) == ["Date", "x"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", "x", "supported: .csv"),
        ("a.csv", "", "empty"),
        ("a.csv", "a,b\n", "no row below the header"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "line 3"),
        ("a.csv", "a,b\n1,2,3\n1,2,3\n", "more cells than the header"),
        ("a.csv", "text\ncaf\u00e9\n".encode("latin-1"), "not UTF-8"),
        ("a.parquet", "date,x\n", "can't be read as parquet"),
        ("a.jsonl", "{nonsense\n", "can't be read as jsonl"),
        ("a.csv.gz", "date,x\n2015-03-02,1\n", "can't be read as csv"),
    ],
)
def test_unreadable_file_is_refused_in_plain_words(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(written(tmp_path, name, content))


def test_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: no such file"):
        read_table(tmp_path / "gone.csv")


def test_names_are_read_in_any_case_and_by_their_aliases():
    table = pd.DataFrame(columns=["Date", "Ticker", "Adj Close", "AdjClose "]).iloc[:, :3]
    assert list(with_standard_names(table, where="f").columns) == ["date", "asset", "adj_close"]


def test_two_columns_of_one_meaning_are_refused():
    with pytest.raises(DataError, match="Ticker, symbol all mean asset"):
        with_standard_names(pd.DataFrame(columns=["Ticker", "symbol"]), where="f")


def test_missing_column_lists_those_there_are():
    with pytest.raises(DataError, match="f: no column y; found: x"):
        require_columns(column(1), ("x", "y"), where="f")


def test_numbers_read_text_and_keep_gaps():
    np.testing.assert_array_equal(
        numbers(column("1.5", None, "2e3"), "x", where="f"), [1.5, np.nan, 2e3]
    )


@pytest.mark.parametrize("cell", ["1,5", "n/a", "inf"])
def test_cell_that_is_no_number_is_named_by_row(cell):
    with pytest.raises(DataError, match=r"f: row 2: x '.*' is no finite number"):
        numbers(column("1", cell), "x", where="f")


def test_fraction_is_no_version():
    assert whole_numbers(column("1", "2"), "x", where="f").tolist() == [1, 2]
    with pytest.raises(DataError, match=r"row 1: x '1.5' is no whole number"):
        whole_numbers(column("1.5"), "x", where="f")


@pytest.mark.parametrize(
    "cells",
    [
        ("2015-03-06", "2015-03-09"),
        ("2015-03-06 00:00:00-05:00", "2015-03-09 00:00:00-04:00"),
        ("2015-03-06T00:00:00Z", "2015-03-09T00:00:00Z"),
        tuple(pd.to_datetime(["2015-03-06", "2015-03-09"])),
        tuple(pd.to_datetime(["2015-03-06", "2015-03-09"]).tz_localize("America/New_York")),
        tuple(pd.to_datetime(["2015-03-06", "2015-03-09"]).date),
    ],
)
def test_dates_keep_the_exchanges_own_day(cells):
    dates = require_dates(column(*cells), "x", where="f")
    assert dates.tolist() == [pd.Timestamp("2015-03-06"), pd.Timestamp("2015-03-09")]
    assert str(dates.dtype) == "datetime64[ns]"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("2015-03-02 09:30:00", "row 2: x '2015-03-02 09:30:00' has a time of day; daily"),
        ("03/02/2015", "row 2: x '03/02/2015' is no date like"),
        ("20150302", "is no date like"),
        ("2015-02-30", "is no date like"),
        ("9999-12-31", "is no date like"),
        (None, "row 2: x is missing"),
    ],
)
def test_what_is_no_daily_date_is_refused(cell, message):
    with pytest.raises(DataError, match=message):
        require_dates(column("2015-03-02", cell), "x", where="f")


def test_offsets_may_differ_by_row():
    moments = require_utc(column("2015-03-02T14:30:00Z", "2015-03-02 09:30-05:00"), "x", where="f")
    assert moments.tolist() == [pd.Timestamp("2015-03-02T14:30Z")] * 2
    assert str(moments.dtype) == "datetime64[ns, UTC]"


def test_aware_column_is_converted():
    local = pd.to_datetime(["2015-03-02T09:30"]).tz_localize("America/New_York")
    assert require_utc(column(*local), "x", where="f").tolist() == [
        pd.Timestamp("2015-03-02T14:30Z")
    ]


@pytest.mark.parametrize(
    "cell", ["2015-03-02T14:30:00", pd.Timestamp("2015-03-02T14:30"), "1425306600", "2015-03-02"]
)
def test_moment_without_a_zone_is_refused(cell):
    with pytest.raises(DataError, match=r"row 1: x '.*' is no moment with a time zone"):
        require_utc(column(cell), "x", where="f")


@pytest.mark.parametrize("cell", ["2015-02-30T10:00:00Z", "9999-12-31T00:00:00Z"])
def test_moment_that_never_was_is_refused(cell):
    with pytest.raises(DataError, match=r"row 1: x '.*' is no moment in time"):
        require_utc(column(cell), "x", where="f")


def test_dates_and_moments_may_be_mixed_where_days_end():
    cells = ("2015-03-02", "2015-03-02T14:30:00Z")
    moments = require_utc(column(*cells), "x", where="f", end_of_day=Universe().end_of_day)
    assert moments.tolist() == [
        pd.Timestamp("2015-03-03T05:00Z"),
        pd.Timestamp("2015-03-02T14:30Z"),
    ]


def test_impossible_date_alone_is_named_by_its_row_in_the_file():
    with pytest.raises(DataError, match="row 2: x '2015-02-30' is no moment in time"):
        require_utc(
            column("2015-03-02T14:30:00Z", "2015-02-30"),
            "x",
            where="f",
            end_of_day=Universe().end_of_day,
        )


def test_naive_midnights_are_dates_but_naive_times_are_refused():
    days = pd.to_datetime(["2015-03-02", "2015-07-01"])
    moments = require_utc(column(*days), "x", where="f", end_of_day=Universe().end_of_day)
    assert moments.tolist() == [
        pd.Timestamp("2015-03-03T05:00Z"),
        pd.Timestamp("2015-07-02T04:00Z"),
    ]
    with pytest.raises(DataError, match="row 2"):
        require_utc(
            column(days[0], pd.Timestamp("2015-03-02T10:00")),
            "x",
            where="f",
            end_of_day=Universe().end_of_day,
        )
