import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from finstrat.cli import app
from finstrat.components import Section
from finstrat.errors import DataError
from finstrat.host import Host
from finstrat.report.build import build_report
from finstrat.report.from_returns import Terms
from finstrat.report.from_weights import weights_result

PRICES = """date,asset,close
2015-03-02,A,100
2015-03-02,B,50
2015-03-03,A,110
2015-03-03,B,50
2015-03-04,A,110
2015-03-04,B,40
2015-03-05,A,121
2015-03-05,B,40
"""
WEIGHTS = """date,asset,weight
2015-03-02,A,0.5
2015-03-02,B,0.3
2015-03-04,A,1.0
"""


@pytest.fixture
def result_of(tmp_path):
    def make(weights=WEIGHTS, prices=PRICES, *, cost_bps=0.0, terms=Terms()):  # noqa: B008 - frozen
        (tmp_path / "book.csv").write_text(weights)
        (tmp_path / "closes.csv").write_text(prices)
        return weights_result(
            tmp_path / "book.csv", tmp_path / "closes.csv", terms, cost_bps=cost_bps
        )

    return make


def test_weights_drift_with_prices_until_the_next_ones(result_of):
    result = result_of()
    assert result.sessions.index.strftime("%d").tolist() == ["03", "04", "05"]
    # 0.5 in A gains 10 %: 1.05; then 0.3 of 1.05 in B loses a fifth; then all is in A.
    assert result.sessions["net"].tolist() == pytest.approx([0.05, -0.2 * 0.3 / 1.05, 0.10])
    assert result.holdings.loc["2015-03-03"].tolist() == pytest.approx([0.55 / 1.05, 0.3 / 1.05])
    assert result.holdings.loc["2015-03-04"].tolist() == [1.0, 0.0]
    assert result.sessions["equity"].iloc[-1] == pytest.approx(0.99 * 1.1)


def test_what_is_traded_at_a_close_is_paid_for(result_of):
    free, paid = result_of().sessions, result_of(cost_bps=100).sessions
    drag = (free["net"] - paid["net"]).tolist()
    after = 0.99  # net asset value before the trades of 4 March, of 1
    sold, bought = 0.24 / after, 1 - 0.55 / after
    assert drag == pytest.approx([0.8 / 100, (sold + bought) / 100, 0.0])
    assert np.array_equal(paid["gross"], free["gross"])


def test_a_column_an_asset_says_the_same_as_a_row_an_asset(result_of):
    wide = "date,A,B\n2015-03-02,0.5,0.3\n2015-03-04,1.0,\n"
    pd.testing.assert_frame_equal(result_of(wide).holdings, result_of().holdings)


def test_adjusted_closes_count(result_of):
    halves = "date,asset,close,adj_close\n2015-03-02,A,100,50\n2015-03-03,A,55,55\n"
    result = result_of("date,asset,weight\n2015-03-02,A,1\n", halves)
    assert result.sessions["net"].tolist() == pytest.approx([0.10])


def test_report_has_the_holdings_risks_and_never_supports_anything(result_of):
    sections = [each.component() for each in Host.load().all(Section)]
    report = build_report(result_of(), sections)
    assert report["verdict"]["outcome"] == "inconclusive"
    blocks = {block["id"]: block for block in report["blocks"]}
    assert "fail" not in {block["status"] for block in blocks.values()}
    assert {"performance", "stress", "attribution", "tail-forecasts"} <= set(blocks)


@pytest.mark.parametrize(
    ("weights", "prices", "message"),
    [
        ("date,asset\n2015-03-02,A\n", PRICES, "weight"),
        ("date,asset,weight\n2015-03-02,A,\n", PRICES, "row 1"),
        ("date,asset,weight\n2015-03-02,A,x\n", PRICES, "row 1.*weight"),
        (f"{WEIGHTS}2015-03-04,A,0.5\n", PRICES, "A has two weights on 2015-03-04"),
        ("date,asset,weight\n2015-03-01,A,1\n", PRICES, "2015-03-01 is no session of XNYS"),
        ("date,asset,weight\n2015-03-02,C,1\n", PRICES, "C"),
        ("date,asset,weight\n2015-03-05,A,1\n", PRICES, "ends on 2015-03-05; expected a session"),
        (WEIGHTS, PRICES.replace("2015-03-03,B,50\n", ""), "B is held into 2015-03-03, but its"),
        ("date,asset,weight\n2015-03-02,B,9\n", PRICES, "everything is lost on 2015-03-04"),
    ],
)
def test_refused_files_say_why(result_of, weights, prices, message):
    with pytest.raises(DataError, match=message):
        result_of(weights, prices)


def test_command_writes_a_report_and_wants_prices(result_of, tmp_path, monkeypatch):
    result_of()
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    alone = runner.invoke(app, ["report", "--weights", "book.csv"])
    assert (alone.exit_code, "need each other" in alone.output) == (2, True)
    made = runner.invoke(
        app, ["report", "--weights", "book.csv", "--prices", "closes.csv", "--json"]
    )
    assert made.exit_code == 0, made.output
    (page,) = tmp_path.glob("runs/*/report.html")
    assert "book" in page.read_text()
