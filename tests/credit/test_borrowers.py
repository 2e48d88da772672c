import gzip

import numpy as np
import pandas as pd
import pytest

from finstrat.credit.borrowers import Columns, borrowers, read_borrowers
from finstrat.errors import ConfigError, DataError

TABLE = pd.DataFrame(
    {
        "firm": ["A", "B", "A"],
        "day": ["2015-12-31", "2015-12-31", "2016-12-31"],
        "debt": ["0.5", None, "0.7"],
        "trade": ["steel", "retail", None],
        "failed": ["0", "1", "0"],
    }
)
ALL = Columns(target="failed", entity="firm", date="day")


def changed(**columns):
    return TABLE.assign(**columns)


def test_each_column_becomes_what_it_is():
    found = borrowers(TABLE, ALL, where="t")
    assert list(found.features) == ["debt", "trade"]
    np.testing.assert_array_equal(found.features["debt"], [0.5, np.nan, 0.7])
    assert found.features["trade"].isna().tolist() == [False, False, True]
    assert found.defaulted.tolist() == [False, True, False]
    assert found.entity.tolist() == ["A", "B", "A"]
    assert str(found.as_of[2]) == "2016-12-31"


def test_rows_without_a_name_are_numbered():
    columns = Columns(ignored=("firm", "day", "failed"))
    assert borrowers(TABLE, columns, where="t").entity.tolist() == ["1", "2", "3"]


@pytest.mark.parametrize("cells", [[0, 1, 0], [0.0, 1.0, 0.0], [False, True, False]])
def test_one_is_one_however_it_is_written(cells):
    found = borrowers(changed(failed=cells), ALL, where="t")
    assert found.defaulted.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"failed": ["0", "1", None]}, r"t: row 3: failed is missing"),
        ({"failed": ["0", "1", "2"]}, r"failed must hold two values.*found 3: '0', '1', '2'"),
        ({"failed": ["0", "0", "0"]}, r"must hold two values, one of them '1'"),
        ({"debt": ["0.5", "0.6", "n/a"]}, r"t: row 3: debt 'n/a' is no number, as the others"),
        ({"debt": [0.5, np.inf, 0.7]}, r"t: row 2: debt is infinite"),
        ({"firm": ["A", None, "A"]}, r"t: row 2: firm is missing"),
        ({"day": ["2015-12-31", "soon", "2016-12-31"]}, r"row 2: day 'soon' is no date"),
        ({"debt": pd.to_datetime(["2015-01-01"] * 3)}, r"debt holds dates"),
    ],
)
def test_bad_table_is_refused_with_its_row(columns, message):
    with pytest.raises(DataError, match=message):
        borrowers(changed(**columns), ALL, where="t")


def test_column_of_names_is_no_property():
    table = pd.DataFrame({"who": [f"N{i}" for i in range(60)], "failed": ["0", "1"] * 30})
    with pytest.raises(DataError, match="who has 60 different texts"):
        borrowers(table, Columns(target="failed"), where="t")


def test_misspelt_column_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match='no column "faild"; did you mean "failed"'):
        borrowers(TABLE, Columns(target="faild"), where="t")


def test_table_of_nothing_but_the_outcome_is_refused():
    with pytest.raises(DataError, match="no column is left"):
        borrowers(TABLE[["failed"]], Columns(target="failed"), where="t")


ARFF = """@relation firms
@attribute debt numeric
@attribute trade {steel,retail}
@attribute class {0,1}
@data
0.5,steel,0
?,retail,1
0.7,?,0
"""


@pytest.mark.parametrize("name", ["firms.arff", "firms.arff.gz", "firms.csv", "firms.parquet"])
def test_every_kind_of_file_gives_the_same_borrowers(tmp_path, name):
    table = pd.DataFrame(
        {
            "debt": [0.5, None, 0.7],
            "trade": ["steel", "retail", None],
            "class": ["0", "1", "0"],
        }
    )
    path = tmp_path / name
    if "arff" in name:
        path.write_bytes(gzip.compress(ARFF.encode()) if name.endswith("gz") else ARFF.encode())
    elif name.endswith("csv"):
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    found = read_borrowers(path, Columns(target="class"))
    np.testing.assert_array_equal(found.features["debt"], [0.5, np.nan, 0.7])
    assert found.features["trade"].fillna("-").tolist() == ["steel", "retail", "-"]
    assert found.defaulted.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.arff", b"@relation x\n@attribute a numeric\n@data\nword\n", "can't be read as ARFF"),
        ("x.arff.gz", b"no gzip", "can't be read as ARFF"),
        ("x.arff", b"@relation x\n@attribute a numeric\n@data\n", "no row"),
        ("x.xlsx", b"", "unknown kind of file"),
        ("x.csv", b"", "the file is empty"),
    ],
)
def test_unreadable_file_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_borrowers(tmp_path / name, Columns())


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_borrowers(tmp_path / "x.arff", Columns())
