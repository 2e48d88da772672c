import datetime as dt
import re
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

import finstrat
from finstrat.components import TextSource
from finstrat.errors import ConfigError, DataError
from finstrat.holdout import Lock
from finstrat.job import prepare
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.report.assess import verdict_of
from finstrat.store import load
from finstrat.validate.held_out import HOLDOUT

BEFORE = {"span.end": "2024-03-08"}


@pytest.fixture
def declare(project):
    """Declares a holdout in the small project, whose prices end on 2024-03-28."""

    def declare(start="2024-03-11", more=""):
        marker = project / "finstrat.toml"
        text = marker.read_text().partition("\n[holdout]")[0]
        marker.write_text(f"{text}\n[holdout]\nstart = {start}\n{more}\n")
        return Lock(project)

    return declare


@pytest.fixture
def market(project, host):
    """Loads the small backtest's data."""

    def market(**values):
        file = Project.find().backtest("small").with_values(values)
        return load_market(prepare(file, project=Project.find(), host=host).plan)

    return market


def opened(lock, reason="the committee meets"):
    return lock.open(lock.holdouts()[0], by="R. Ash", reason=reason)


def check_of(result):
    return next(each for each in verdict_of(result).checks if each.name == HOLDOUT)


def test_without_a_declaration_nothing_is_kept_and_nothing_refused(project, market):
    assert market().looks == ()
    assert not Lock(project).path.exists()
    assert check_of(load(finstrat.run("small").path)).status == "not applicable"


def test_span_that_reaches_into_it_is_refused_with_both_lines_and_the_way_out(declare, market):
    declare()
    with pytest.raises(DataError) as refused:
        market()
    assert str(refused.value) == (
        "backtests/small.toml:5: span: 2024-02-01 to 2024-03-28, of which it reads from 2024-01-25 "
        "on to warm up, reaches into the holdout 2024-03-11 to the end of time (finstrat.toml:6), "
        "which nothing may load before it is opened; end the span before 2024-03-11, or open it "
        "for good: finstrat holdout open --by NAME --reason TEXT"
    )
    assert market(**BEFORE).looks == ()


def test_warm_up_inside_it_is_refused_too(declare, market):
    declare("2024-01-02", "end = 2024-01-25")
    with pytest.raises(DataError, match="its warm-up lies after 2024-01-25"):
        market()
    declare("2024-01-02", "end = 2024-01-05")
    # The earlier declaration was sealed, so narrowing it changes nothing.
    with pytest.raises(DataError, match=r"2024-01-25 \(sealed on .*, no longer declared in"):
        market()


def test_day_before_is_admitted_and_its_first_day_not(declare, market):
    declare("2024-03-11")
    assert str(market(**{"span.end": "2024-03-10"}).clock.sessions[-1]) == "2024-03-08"
    with pytest.raises(DataError, match="reaches into the holdout"):
        market(**{"span.end": "2024-03-11"})


def test_deleted_declaration_unlocks_nothing(declare, market, project):
    lock = declare()
    market(**BEFORE)
    marker = project / "finstrat.toml"
    marker.write_text(marker.read_text().partition("\n[holdout]")[0])
    with pytest.raises(DataError, match="sealed on"):
        market()
    with sqlite3.connect(lock.path) as base, pytest.raises(sqlite3.IntegrityError):
        base.execute("DELETE FROM events")


def test_only_runs_on_its_assets_are_refused(declare, market):
    declare(more='assets = ["C"]')
    assert market(**{"universe.assets": ["A", "B"]}).looks == ()
    for touching in (["B", "C"], None):
        values = {} if touching is None else {"universe.assets": touching}
        with pytest.raises(DataError, match="of C"):
            market(**values)


def test_first_look_of_a_configuration_that_ran_before_is_judged(declare):
    lock = declare()
    finstrat.run("small", overrides=BEFORE)
    entry = opened(lock)
    assert (entry.decision, entry.by, entry.reason) == ("opened", "R. Ash", "the committee meets")
    first = check_of(load(finstrat.run("small").path))
    assert "1st look" in first.evidence
    assert "had not run before" not in first.evidence
    inside = pd.bdate_range("2024-03-11", "2024-03-28")
    assert first.figures[0][1].n == len(inside)
    # The same configuration again, on whatever dates, is the same look; another is a second.
    again = finstrat.run("small", overrides={"span.end": "2024-03-20", "description": "again"})
    assert "1st look" in check_of(again).evidence
    second = check_of(finstrat.run("small", overrides={"strategy.k": 2}))
    assert second.status == "inconclusive"
    assert "2nd look; " not in second.evidence
    assert "2nd look" in second.evidence
    assert "nothing in it is out of sample" in second.evidence
    assert len(lock.looks(lock.holdouts()[0])) == 2


def test_configuration_first_run_after_the_opening_is_not_out_of_sample(declare):
    opened(declare())
    check = check_of(finstrat.run("small"))
    assert check.status == "inconclusive"
    assert "had not run before the opening" in check.evidence


def test_it_opens_once_and_not_without_a_name_or_a_reason(declare):
    lock = declare()
    with pytest.raises(ConfigError, match="--reason is empty"):
        opened(lock, reason=" ")
    opened(lock)
    with pytest.raises(ConfigError, match="was opened on .* by R. Ash: the committee meets"):
        opened(lock)
    assert lock.approvals.verify().problems == ()


def test_rows_in_it_change_nothing_before_it(declare, project, host):
    declare()
    before = finstrat.run("small", overrides=BEFORE, host=host)
    prices = pd.read_csv(project / "prices.csv")
    late = prices["date"] >= "2024-03-11"
    prices.loc[late, "close"] = -1.0
    prices.to_csv(project / "prices.csv", index=False)
    after = finstrat.run("small", overrides=BEFORE, host=host)
    assert before.manifest == after.manifest
    assert before.findings == after.findings
    pd.testing.assert_frame_equal(before.sessions, after.sessions)


def test_texts_that_a_source_hands_out_beyond_the_span_are_left_out(world, bare_project, host):
    class Eager(TextSource):
        """All the texts there are, whatever it is asked for."""

        name, version = "eager", "1"

        def load(self, universe, span):
            always = type(span)(dt.date(2000, 1, 1), dt.date(2030, 1, 1))
            source = host.get(TextSource, "files-documents").component
            return source({"path": bare_project.root / "texts.csv"}).load(universe, always)

    file = finstrat.job.backtest_file(
        {**world, "span": {**world["span"], "end": "2015-04-01"}}, bare_project
    )
    plan = prepare(file, project=bare_project, host=host).plan
    plan.documents["news"] = Eager()
    days = load_market(plan).documents.known_at.astype("datetime64[D]")
    assert str(days.max()) <= "2015-04-01"


def test_every_part_that_loads_data_asks_the_lock_first():
    root = Path(finstrat.__path__[0])
    calls = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if re.search(r"\b(prices|source|each)\.load\(", file.read_text())
    }
    asking = {"market.py", "advice/situation.py"}
    for name in asking:
        assert "Lock(plan.root).admit(" in (root / name).read_text()
    # Files of texts without a backtest, packaged prices, and spans of a market loaded before.
    others = {"cli/text.py", "monitor.py", "testing/real.py", "validate/causality/sources.py"}
    assert calls == asking | others
