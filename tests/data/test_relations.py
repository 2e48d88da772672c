"""Edges between assets count from the session after they were known, until they ended."""

import io

import numpy as np
import pandas as pd
import pytest

from finstrat.data.entities import Entities
from finstrat.data.relations import Relations
from finstrat.errors import DataError

SESSIONS = np.array(["2015-03-02", "2015-03-03", "2015-03-04", "2015-03-05"], "datetime64[D]")
TABLE = """asset,related,relation,weight,known_at,end
A,B,supplier,2.0,2015-03-02,2015-03-03
A,C,supplier,0.5,2014-01-01,
B,A,customer,1.0,2014-01-01,
A,Z,supplier,1.0,2014-01-01,
"""


def relations(text=TABLE):
    return Relations.from_frame(pd.read_csv(io.StringIO(text)), where="edges.csv")


def test_edge_counts_from_the_session_after_it_was_known_through_its_last_day():
    found = relations().stretches("supplier", ["A", "B", "C"], SESSIONS)
    assert [(each.start, each.stop) for each in found] == [(0, 1), (1, 2), (2, 4)]
    assert [each.weights[0].tolist() for each in found] == [
        [0.0, 0.0, 0.5],
        [0.0, 2.0, 0.5],
        [0.0, 0.0, 0.5],
    ]
    assert all((each.weights[1:] == 0).all() for each in found)


def test_edge_known_on_a_day_without_a_session_counts_from_the_next_one():
    text = TABLE.replace("2015-03-02,2015-03-03", "2015-02-28,")
    (stretch,) = relations(text).stretches("supplier", ["A", "B"], SESSIONS)
    assert stretch.weights.tolist() == [[0.0, 2.0], [0.0, 0.0]]


def test_weight_is_one_where_there_is_none():
    edges = pd.read_csv(io.StringIO(TABLE)).drop(columns=["weight", "end"])
    (stretch,) = Relations.from_frame(edges, where="e").stretches("customer", ["B", "A"], SESSIONS)
    assert stretch.weights.tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_groups_make_peers_of_their_members_both_ways():
    entities = Entities((), {"A": "Oil", "B": "Oil", "C": "Banks"})
    (stretch,) = Relations.of_groups(entities).stretches("peer", ["A", "B", "C"], SESSIONS)
    assert stretch.weights.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("B,supplier,2.0", "A,supplier,2.0", "row 1: an asset is not related to itself"),
        ("B,supplier,2.0", "B,supplier,0", "row 1: weight: expected a number above 0"),
        ("2015-03-02,2015-03-03", "2015-03-02,2015-03-01", "row 1: end lies before known_at"),
        ("A,Z,supplier,1.0,2014-01-01", "A,Z,supplier,1.0,soon", "row 4.*is no date"),
        ("A,Z,supplier,1.0,2014-01-01", "A,C,supplier,1.0,2015-01-01", "row 4: the edge stands"),
        ("A,Z,supplier", "A,Z,", "row 4"),
        ("known_at", "when", "known_at"),
    ],
)
def test_edge_that_cannot_be_used_is_named_with_its_row(old, new, told):
    with pytest.raises(DataError, match=told):
        relations(TABLE.replace(old, new))


def test_unknown_relation_is_answered_with_those_there_are():
    with pytest.raises(DataError, match='did you mean "supplier"'):
        relations().stretches("suppliers", ["A"], SESSIONS)


def test_table_of_names_and_sectors_gives_peers(tmp_path):
    path = tmp_path / "stocks.csv"
    path.write_text("sector,ticker,company\nOil,A,Alpha Inc\nOil,B,Beta Corp\nBanks,C,Gamma\n")
    (stretch,) = Relations.read(path).stretches("peer", ["A", "B", "C"], SESSIONS)
    assert stretch.weights.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
