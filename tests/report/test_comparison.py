import dataclasses

import numpy as np
import pandas as pd
import pytest

from finstrat.errors import DataError
from finstrat.report.build import build_report
from finstrat.report.comparison import Compared, comparison_page, differing
from finstrat.report.document import page

DAYS = pd.DatetimeIndex(pd.bdate_range("2015-01-02", periods=100), name="session")


@pytest.fixture
def compared(make_result):
    def make(name, net, days=DAYS, **config):
        result = make_result(net, days=days)
        return Compared(name, result, build_report(result, []), config)

    return make


@pytest.fixture
def two(compared):
    net = np.random.default_rng(1).normal(0, 0.01, 100)
    return compared("a", net, k="3"), compared("b", net[10:] + 0.001, DAYS[10:], k="5", j="1")


def test_returns_are_compared_over_common_sessions_alone(two):
    document = comparison_page(two)
    assert document.span["sessions"] == 90
    ((label, figure),) = document.blocks[0].figures
    assert label == "Daily mean, b less a"
    assert figure.value == pytest.approx(0.001)
    assert figure.n == 90
    assert document.blocks[0].tables[0].rows[0][1:] == (1.0, 1.0)


def test_settings_that_differ_are_listed_with_what_one_run_lacks(two):
    assert differing(two) == {"j": ["–", "1"], "k": ["3", "5"]}


def test_page_shows_every_run_and_escapes_its_name(two):
    hostile = dataclasses.replace(two[1], name="<img src=x>")
    text = page(comparison_page([two[0], hostile]))
    assert "<img src=x>" not in text
    assert "&lt;img src=x&gt;" in text
    assert "partly the luckiest" in text


def test_runs_without_a_common_session_can_not_be_compared(compared):
    early, late = compared("a", np.zeros(10), DAYS[:10]), compared("b", np.zeros(10), DAYS[50:60])
    with pytest.raises(DataError, match="a and b have no session in common"):
        comparison_page([early, late])
