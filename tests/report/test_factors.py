import numpy as np
import pandas as pd
import pytest

from finstrat.components import Section
from finstrat.errors import DataError
from finstrat.host import Host
from finstrat.report.build import build_report
from finstrat.report.factors import factor_record

DAYS = pd.DatetimeIndex(pd.bdate_range("2015-01-02", periods=300), name="session")


@pytest.fixture
def run(make_result):
    market = np.random.default_rng(4).normal(0.0004, 0.01, 300)
    frame = pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), "Mkt-RF": market, "RF": 0.0001})
    return make_result(0.0001 + 0.0002 + 0.5 * market, days=DAYS), frame


def test_riskless_rate_of_the_file_is_taken_off_and_what_is_left_is_alpha(run, tmp_path):
    result, frame = run
    frame.iloc[:-10].to_csv(tmp_path / "ff.csv", index=False)
    record = factor_record(result, tmp_path / "ff.csv")
    figures = {label: figure["value"] for label, figure in record["figures"]}
    assert figures["Beta to Mkt-RF"] == pytest.approx(0.5)
    assert figures["Return a year no factor explains"] == pytest.approx(0.0002 * 252)
    assert "known on 290 of 300 sessions" in record["evidence"]


def test_recorded_factors_appear_in_the_report_and_their_absence_is_told(run, tmp_path):
    result, frame = run
    frame.to_parquet(tmp_path / "ff.parquet")
    sections = [each.component() for each in Host.load().all(Section)]

    def attribution(checks):
        (block,) = [
            block
            for block in build_report(type(result)(**{**vars(result), "checks": checks}), sections)[
                "blocks"
            ]
            if block["id"] == "attribution"
        ]
        return block

    assert "No factors were given" in attribution({})["text"][0]
    block = attribution({"factors": factor_record(result, tmp_path / "ff.parquet")})
    assert block["status"] == ""
    assert [each["label"] for each in block["figures"]][2] == "Beta to Mkt-RF"
    assert block["tables"][0]["rows"]


def test_stress_by_factors_is_the_loss_over_beta_and_stands_in_the_section(run, tmp_path):
    result, frame = run
    frame.to_csv(tmp_path / "ff.csv", index=False)
    record = factor_record(result, tmp_path / "ff.csv")
    sections = [each.component() for each in Host.load().all(Section)]
    report = build_report(type(result)(**{**vars(result), "checks": {"factors": record}}), sections)
    (block,) = [each for each in report["blocks"] if each["id"] == "stress"]
    figures = {each["label"]: each["figure"] for each in block["figures"]}
    assert figures["Mkt-RF in that move"]["value"] == pytest.approx(-0.2 / 0.5)
    market = frame["Mkt-RF"].to_numpy()
    distance = 0.2 / (0.5 * market.std(ddof=1) * 21**0.5)
    label = "Factors' joint move that costs 20%, in standard deviations"
    assert figures[label]["value"] == pytest.approx(distance)
    worst = min(np.prod(1 + market[i : i + 21]) - 1 for i in range(280))
    assert figures["Costliest month of Mkt-RF so far"]["value"] == pytest.approx(0.5 * worst)


def test_regression_that_fails_leaves_stress_by_factors_null(run, tmp_path):
    result, frame = run
    frame.iloc[:5].to_csv(tmp_path / "ff.csv", index=False)
    for _, figure in factor_record(result, tmp_path / "ff.csv")["stress"]:
        assert figure["value"] is None
        assert figure["reason_if_null"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("date,RF\n2015-01-02,0\n", "no factor beside date"),
        ("date,Mkt\n2015-01-02,-2.2\n", "row 1: Mkt is -2.2; expected a fraction a day"),
        ("date,Mkt\n2015-01-02,0\n2015-01-02,0\n", "row 2: 2015-01-02 comes twice"),
        ("Mkt\n0.1\n", "no column date"),
    ],
)
def test_refused_factors_say_why(run, tmp_path, content, message):
    (tmp_path / "ff.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        factor_record(run[0], tmp_path / "ff.csv")
