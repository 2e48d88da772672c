import re

import pytest

from finstrat.components import Section
from finstrat.errors import DataError
from finstrat.report.block import Block, Chart, Table
from finstrat.report.build import build_report
from finstrat.report.html import column_texts, number_text, render_html

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


class Hostile(Section):
    name, version = "hostile", "1"

    def build(self, result):
        spec = {"data": {"values": [{"a": HOSTILE}]}, "mark": "bar", "encoding": {}}
        return Block(
            id=self.name,
            title=HOSTILE,
            text=(HOSTILE,),
            tables=(Table(HOSTILE, (HOSTILE,), ((HOSTILE,),), note=HOSTILE),),
            charts=(Chart(HOSTILE, spec, HOSTILE),),
        )


def test_user_supplied_text_stays_text(make_result):
    page = render_html(build_report(make_result([0.01, -0.02], name=HOSTILE), [Hostile()]))
    assert "<img src=x" not in page
    assert 'alert("x")' not in page
    # Ours are three: the charts' data, their library, the page's own; none is the text's.
    assert len(re.findall(r"<script\b", page)) == 3
    assert page.count("</script>") == 3


def test_page_can_not_reach_the_network(make_result):
    page = render_html(build_report(make_result([0.01, -0.02]), [Hostile()]))
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*[\"']?https?:", page)


def test_page_is_drawn_from_the_json_alone_and_refuses_another_schema(make_result):
    report = build_report(make_result([0.01, -0.02]), [])
    assert render_html(report) == render_html(report)
    with pytest.raises(DataError, match="schema_version is 99"):
        render_html({**report, "schema_version": 99})


def test_null_figure_shows_its_reason(make_result):
    page = render_html(build_report(make_result([0.01]), []))
    assert "not annualised" in page


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ratio", "–"),
        (-0.1213, "fraction", "−12.13 %"),
        (0.000027, "fraction", "0.0027 %"),
        (0.0, "fraction", "0.00 %"),
        (9040, "count", "9,040"),
        (6.9, "count", "6.9"),
        (47016.4, "currency", "47,016"),
        (6.654, "per year", "6.65 × a year"),
        (0.0312, "probability", "0.031"),
        (-0.13, "ratio", "−0.13"),
    ],
)
def test_numbers_read_in_their_unit(value, unit, text):
    assert number_text(value, unit) == text


def test_numbers_of_a_column_share_their_decimals_and_nulls_do_not_unalign_it():
    table = {
        "columns": ["Year", "Return", "Note", "n"],
        "rows": [["2015", None, "a", 1200], ["2016", 2.9, 3.25, 7], ["2017", -1.25, None, 8]],
    }
    year, total, note, n = column_texts(table)
    assert (year["numeric"], total["numeric"], note["numeric"], n["numeric"]) == (
        *(False, True),
        *(False, True),
    )
    assert total["cells"] == ["–", "2.90", "−1.25"]
    assert note["cells"] == ["a", "3.25", "–"]
    assert n["cells"] == ["1,200", "7", "8"]
