import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from finstrat.components import Section
from finstrat.data import Finding
from finstrat.errors import DataError
from finstrat.report.block import Block
from finstrat.report.build import build_report, plain
from finstrat.report.html import render_html


class Late(Section):
    name, version, order = "late", "1", 90

    def build(self, result):
        return Block(id=self.name, title="Late")


class Early(Section):
    name, version, order = "early", "1", 5

    def build(self, result):
        return Block(id=self.name, title="Early")


class Broken(Section):
    name, version, order = "broken", "3", 50

    def build(self, result):
        raise ZeroDivisionError("no such thing")


class CreditOnly(Section):
    name, version, serves = "credit-only", "1", ("credit",)

    def build(self, result):
        return Block(id=self.name, title="Credit")


def test_sections_appear_by_order_and_only_for_results_they_serve(make_result):
    report = build_report(make_result([0.01, -0.02]), [Late(), CreditOnly(), Early()])
    assert [block["id"] for block in report["blocks"]] == ["early", "late"]


def test_section_that_fails_says_so_and_the_report_is_still_made(make_result):
    report = build_report(make_result([0.01, -0.02]), [Broken(), Early()])
    broken = report["blocks"][1]
    assert broken["status"] == "fail"
    assert "ZeroDivisionError: no such thing" in broken["text"][0]
    assert "version 3" in broken["text"][0]


def test_only_provenance_tells_two_runs_of_the_same_thing_apart(make_result):
    first = build_report(make_result([0.01, -0.02]), [Early()])
    second = build_report(make_result([0.01, -0.02], provenance={"run_id": "other"}), [Early()])
    assert first.pop("provenance") != second.pop("provenance")
    assert json.dumps(first) == json.dumps(second)


def test_every_convention_that_occurs_is_explained_and_no_other(make_result):
    report = build_report(make_result([0.01, -0.02]), [])
    used = {item["figure"]["convention_id"] for item in report["headline"]}
    assert used <= set(report["conventions"])
    assert "var.historical-95" not in report["conventions"]


def test_run_without_a_session_is_refused(make_result):
    result = make_result([0.01])
    with pytest.raises(DataError, match="no session"):
        build_report(dataclasses.replace(result, sessions=result.sessions.iloc[:0]), [])


@pytest.mark.parametrize("value", [float("inf"), -np.inf, {"a": [np.float64("inf")]}])
def test_infinity_never_reaches_a_report(value):
    with pytest.raises(DataError, match="infinite"):
        plain(value)


def test_unknown_numbers_become_null():
    assert plain({"a": (float("nan"), np.float64(1.5), np.int64(2))}) == {"a": [None, 1.5, 2]}


FLAT = pd.bdate_range("2015-01-01", periods=300, name="session")


@pytest.mark.parametrize(
    "net",
    [
        pytest.param([0.0] * 300, id="never traded"),
        pytest.param([0.001] * 300, id="constant"),
        pytest.param([0.01], id="one day"),
        pytest.param([0.01, -1.0, 0.0, 0.0], id="bankrupt"),
        pytest.param([np.nan] * 300, id="unknown throughout"),
    ],
)
def test_degenerate_run_gives_nulls_with_reasons_and_a_page(net, make_result, host):
    days = FLAT if len(net) == 300 else FLAT[: len(net)]
    result = make_result(net, days=days)
    sections = [registered.component() for registered in host.all(Section)]
    report = build_report(result, sections)
    assert [block["id"] for block in report["blocks"] if block["status"] == "fail"] == []
    for item in report["headline"]:
        figure = item["figure"]
        assert figure["value"] is None or np.isfinite(figure["value"])
        assert figure["value"] is not None or figure["reason_if_null"]
    assert report["verdict"]["outcome"] != "supported"
    page = render_html(json.loads(json.dumps(report, allow_nan=False)))
    assert ">NaN<" not in page.replace(" ", "")


def test_findings_are_counted_in_the_report(make_result, host):
    finding = Finding("prices", "zero price", 3, "made unknown", "warning")
    result = make_result(
        [0.01, -0.02], findings=(finding,), manifest={"counts": {"documents": 7}, "seed": 5}
    )
    sections = [registered.component() for registered in host.all(Section)]
    report = build_report(result, sections)
    (block,) = [each for each in report["blocks"] if each["id"] == "data-quality"]
    assert block["status"] == "warning"
    assert [(each["label"], each["figure"]["value"]) for each in block["figures"]] == [
        ("Documents", 7)
    ]
    assert block["tables"][0]["rows"] == [["prices", "zero price", 3, "made unknown", "warning"]]
