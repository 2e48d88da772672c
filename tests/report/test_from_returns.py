import numpy as np
import pytest

from finstrat.components import Section
from finstrat.errors import DataError
from finstrat.host import Host
from finstrat.report.build import build_report
from finstrat.report.from_returns import Terms, returns_result

GIVEN = """Date,Return,Benchmark
2015-03-03,-0.02,0.00
2015-03-02,0.01,0.02
2015-03-05,0.03,
"""


@pytest.fixture
def result_of(tmp_path):
    def make(content, terms=Terms()):  # noqa: B008 - frozen
        path = tmp_path / "mine.csv"
        path.write_text(content)
        return returns_result(path, terms)

    return make


def test_rows_stand_on_the_exchanges_sessions_and_a_missing_one_is_counted(result_of):
    result = result_of(GIVEN)
    assert result.sessions.index.strftime("%d").tolist() == ["02", "03", "04", "05"]
    assert np.array_equal(result.sessions["net"], [0.01, -0.02, np.nan, 0.03], equal_nan=True)
    assert result.sessions["equity"].iloc[-1] == pytest.approx(1.01 * 0.98 * 1.03)
    (finding,) = result.findings
    assert (finding.check, finding.count) == ("session without a return", 1)
    assert 250 < result.periods_per_year < 254


def test_report_has_figures_of_returns_alone_and_never_supports_anything(result_of):
    sections = [each.component() for each in Host.load().all(Section)]
    report = build_report(result_of(GIVEN), sections)
    assert report["verdict"]["outcome"] == "inconclusive"
    assert "returns alone" in report["verdict"]["sentence"]
    blocks = {block["id"]: block for block in report["blocks"]}
    assert "fail" not in {block["status"] for block in blocks.values()}
    assert {"performance", "drawdown", "monthly-returns", "risk"} <= set(blocks)
    assert not {"costs", "exposure", "verdict"} & set(blocks)
    figures = {each["label"]: each["figure"] for each in blocks["performance"]["figures"]}
    assert figures["Total return"]["value"] == pytest.approx(1.01 * 0.98 * 1.03 - 1)


def test_other_calendars_have_other_sessions(result_of):
    weekend = "date,net\n2015-03-06,0.01\n2015-03-07,0.02\n"
    with pytest.raises(DataError, match=r'2015-03-07 is no session of XNYS .* or "24/7"'):
        result_of(weekend)
    result = result_of(weekend, Terms(calendar="24/7"))
    assert result.periods_per_year == 365


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("date,profit\n2015-03-02,1\n", "no column net .* found: date, profit"),
        ("date,net,return\n2015-03-02,1,1\n", "columns net, return all mean net"),
        ("date,net\n2015-03-02,-1.5\n", "row 1: net is -1.5; expected a fraction"),
        ("date,net\n2015-03-02,0\n2015-03-02,0\n", "row 2: 2015-03-02 comes twice"),
        ("date,net\n2015-03-02,a\n", "row 1.*net"),
        ("date,net\n2015-01-30,0.1\n2015-02-27,0.1\n", "2 returns in 20 sessions; expected one"),
    ],
)
def test_refused_file_says_why(result_of, content, message):
    with pytest.raises(DataError, match=message):
        result_of(content)


def test_returns_that_look_like_per_cent_are_warned_about(result_of):
    result = result_of("date,net\n2015-03-02,1.2\n2015-03-03,-0.7\n")
    assert [(each.check, each.count) for each in result.findings] == [("return beyond 50%", 2)]
