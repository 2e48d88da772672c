import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from finstrat.components import Section
from finstrat.host import Host
from finstrat.report.build import SCHEMA_VERSION, build_report

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


@pytest.fixture
def report(make_result):
    days = pd.DatetimeIndex(pd.bdate_range("2015-01-02", periods=40), name="session")
    net = np.random.default_rng(1).normal(0, 0.01, 40)
    sections = [each.component() for each in Host.load().all(Section)]
    return json.loads(json.dumps(build_report(make_result(net, days=days), sections)))


def test_schema_is_one_and_names_the_version_that_is_written():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


def test_report_with_every_section_conforms(report):
    assert [error.message for error in VALIDATOR.iter_errors(report)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report["headline"][0]["figure"].update(value=None),
        lambda report: report["headline"][0]["figure"].update(reason_if_null="why not"),
        lambda report: report["span"].pop("sessions"),
        lambda report: report["blocks"][0].update(unheard_of=1),
        lambda report: report["verdict"].update(outcome="certain"),
    ],
)
def test_what_a_report_may_not_hold_is_refused(report, spoil):
    spoil(report)
    assert list(VALIDATOR.iter_errors(report))
