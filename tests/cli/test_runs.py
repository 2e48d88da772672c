import contextlib
import datetime as dt

import pandas as pd
import pytest

from finstrat.data import Clock, Span
from finstrat.store import stored_runs


@pytest.fixture(scope="module")
def two_runs(finstrat, shared_project):
    """Two finished runs in the shared project, the older first."""
    with contextlib.chdir(shared_project):
        assert finstrat("run", "small").code == 0
        assert finstrat("run", "small", "--set", "strategy.k=2").code == 0
    return stored_runs(shared_project / "runs")[-2:]


@pytest.fixture(autouse=True)
def inside(request, monkeypatch):
    if "two_runs" in request.fixturenames:
        monkeypatch.chdir(request.getfixturevalue("two_runs")[0].parents[1])


def test_runs_are_listed_the_oldest_first(finstrat, two_runs):
    listed = [each["run"] for each in finstrat("runs", "list", "--json").json]
    assert listed[-2:] == [path.name for path in two_runs]
    shown = finstrat("runs", "list").out
    assert all(path.name in shown for path in two_runs)


def test_without_runs_the_list_says_how_to_make_one(finstrat, project):
    assert "no run yet" in finstrat("runs", "list").out
    assert finstrat("runs", "list", "--json").json == []


def test_a_run_is_shown_by_id_beginning_path_or_as_the_latest(finstrat, two_runs):
    old, new = two_runs
    by_id = finstrat("runs", "show", old.name, "--json").json
    assert by_id["provenance"]["run_id"] == old.name
    assert finstrat("runs", "show", old, "--json").json == by_id
    latest = finstrat("runs", "show", "latest", "--json").json
    assert latest["provenance"]["run_id"] == new.name
    assert f"directory: {old}" in finstrat("runs", "show", old.name).out


def test_a_beginning_of_several_ids_is_refused_with_all_of_them(refused, two_runs):
    said = refused(2, "runs", "show", "small-")
    assert 'several runs begin with "small-"' in said
    assert all(path.name in said for path in two_runs)


def test_a_run_that_is_not_there_ends_with_2(refused, project):
    assert 'no run "latest"' in refused(2, "runs", "show", "latest")
    assert "there is none yet" in refused(2, "report", "anything")


def test_two_runs_are_compared_by_figures_and_by_what_differs(finstrat, two_runs):
    old, new = (path.name for path in two_runs)
    compared = finstrat("runs", "compare", old, new, "--json").json
    assert compared["runs"] == [old, new]
    assert compared["config"] == {"strategy.k": [1, 2]}
    assert len(compared["headlines"]) == 2
    shown = finstrat("runs", "compare", old, new).out
    assert "Sharpe ratio" in shown
    assert "strategy.k" in shown


def test_one_run_is_compared_with_nothing(refused, two_runs):
    assert "name two runs or more" in refused(2, "runs", "compare", two_runs[0].name)


def test_a_report_is_written_anew_from_what_is_stored(finstrat, two_runs):
    old, new = two_runs
    report = {name: (old / name).read_bytes() for name in ("report.json", "report.html")}
    (old / "report.html").write_text("lost")
    (old / "report.json").unlink()
    ended = finstrat("report", old.name)
    assert ended.code == 0
    assert f"report: runs/{old.name}/report.html" in ended.out
    assert {name: (old / name).read_bytes() for name in report} == report
    latest = finstrat("runs", "show", "latest", "--json").json
    assert latest["provenance"]["run_id"] == new.name


def test_a_lost_report_is_refused_with_the_way_to_get_it_back(finstrat, refused, two_runs):
    old = two_runs[0]
    (old / "report.json").unlink()
    try:
        assert f"`finstrat report {old.name}` writes it anew" in refused(3, "runs", "show", old)
    finally:
        assert finstrat("report", old.name, "--json").json["name"] == "small"


def test_returns_of_anyone_become_a_stored_report(finstrat, project):
    (project / "mine.csv").write_text("date,net\n2015-03-02,0.01\n2015-03-03,-0.02\n")
    told = finstrat("report", "--returns", "mine.csv", "--json")
    assert told.code == 0
    assert told.json["kind"] == "returns"
    (path,) = stored_runs(project / "runs")
    assert path.name.startswith("mine-")
    assert (path / "report.html").is_file()
    assert finstrat("report", path.name, "--json").json["span"] == told.json["span"]
    audited = finstrat("audit", path.name)
    assert (audited.code, "only a backtest runs again" in audited.err) == (3, True)


@pytest.mark.parametrize("daily", [0.001, 0.0, -0.001])
def test_constant_returns_become_a_report_without_ratios(finstrat, project, daily):
    days = Clock.build("XNYS", Span(dt.date(2018, 1, 2), dt.date(2018, 12, 31))).sessions
    pd.DataFrame({"date": days, "net": daily}).to_csv(project / "mine.csv", index=False)
    told = finstrat("report", "--returns", "mine.csv", "--json")
    assert (told.code, "NaN" in told.out, "Infinity" in told.out) == (0, False, False)
    assert "fail" not in {block["status"] for block in told.json["blocks"]}
    figures = {each["label"]: each["figure"] for each in told.json["headline"]}
    assert figures["Sharpe ratio"]["value"] is None
    assert figures["Sharpe ratio"]["reason_if_null"]
    assert figures["Volatility"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert figures["Total return"]["value"] == pytest.approx((1 + daily) ** 251 - 1)


def test_report_takes_a_run_or_returns_and_refused_returns_leave_nothing(finstrat, project):
    assert finstrat("report").code == 2
    (project / "mine.csv").write_text("date,net\n2015-03-02,nothing\n")
    told = finstrat("report", "--returns", "mine.csv")
    assert told.code == 3
    assert "row 1" in told.err
    assert stored_runs(project / "runs") == []


def test_comparison_is_written_as_a_page(finstrat, two_runs, tmp_path):
    names = [path.name for path in two_runs]
    told = finstrat("runs", "compare", *names, "--page", tmp_path / "both.html")
    assert told.code == 0
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert all(name in text for name in names)
    assert "strategy.k" in text


def test_comparison_refuses_one_run_twice_and_a_page_that_is_none(finstrat, two_runs, tmp_path):
    old, new = (path.name for path in two_runs)
    assert "named twice" in finstrat("runs", "compare", old, old).err
    refused = finstrat("runs", "compare", old, new, "--page", tmp_path / "both.pdf")
    assert (refused.code, "expected an .html file" in refused.err) == (2, True)


def test_results_of_different_kinds_are_listed_under_their_own_figures(finstrat, project):
    (project / "mine.csv").write_text("date,net\n2015-03-02,0.01\n2015-03-03,-0.02\n")
    assert finstrat("report", "--returns", "mine.csv").code == 0
    table = project / "loans.csv"
    rows = [f"{i},{i % 7},{int(i % 7 > 4 or i % 11 == 0)}" for i in range(200)]
    table.write_text("id,debt,bad\n" + "\n".join(rows) + "\n")
    train = ("--target", "bad", "--entity", "id", "--family", "logistic", "--out", "model")
    assert finstrat("credit", "train", table, *train).code == 0
    assert finstrat("credit", "report", "model").code == 0
    head = next(line for line in finstrat("runs", "list").out.splitlines() if "verdict" in line)
    assert "Sharpe ratio" in head
    assert "ROC-AUC" in head
