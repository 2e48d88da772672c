import json
import re
import shutil
import sqlite3

import pytest

from finstrat.store import load


def trials(project):
    connection = sqlite3.connect(project / ".finstrat" / "trials.sqlite")
    rows = connection.execute("SELECT outcome FROM trials").fetchall()
    connection.close()
    return [row[0] for row in rows]


def test_a_run_ends_with_its_figures_and_the_path_of_the_report(finstrat, project):
    ended = finstrat("run", "small")
    assert ended.code == 0
    assert "Sharpe ratio" in ended.out
    path = re.search(r"^report: (runs/small-\S+/report\.html)$", ended.out, re.MULTILINE)
    html = (project / path[1]).read_text()
    assert html.startswith("<!doctype html>")
    report = json.loads((project / path[1]).with_suffix(".json").read_text())
    assert report["name"] == "small"
    assert trials(project) == ["ok"]


def test_progress_goes_to_standard_error_and_json_alone_to_standard_output(finstrat, project):
    ended = finstrat("run", "backtests/small.toml", "--json", "--set", "strategy.k=2")
    assert ended.json["verdict"]["outcome"] in {"supported", "inconclusive", "refuted"}
    assert "portfolio" in ended.err


def test_a_rerun_writes_the_same_report_and_adds_no_trial(finstrat, project):
    first = finstrat("run", "small", "--json").json
    again = finstrat("run", "small", "--json").json
    assert first.pop("provenance")["run_id"] != again.pop("provenance")["run_id"]
    assert first == again
    assert trials(project) == ["ok"]
    assert len(list((project / "runs").iterdir())) == 2


def test_another_device_adds_no_trial_and_another_option_does(finstrat, project):
    finstrat("run", "small", "--device", "auto")
    finstrat("run", "small", "--device", "cpu")
    assert trials(project) == ["ok"]
    finstrat("run", "small", "--set", "signals.momentum.window=6")
    assert trials(project) == ["ok", "ok"]


def test_a_dry_run_shows_the_configuration_and_leaves_nothing(finstrat, project):
    before = sorted(project.rglob("*"))
    shown = finstrat("run", "small", "--dry-run", "--set", "strategy.k=2").json
    assert shown["config"]["strategy"]["k"] == 2
    assert shown["config"]["costs"]["fee_bps"] == 5.0
    assert shown["components"]["strategy"]["distribution"] == "finstrat"
    assert sorted(project.rglob("*")) == before


def test_a_misspelt_backtest_ends_with_2(refused, project):
    assert 'error: no backtest "smal"; did you mean "small"?' in refused(2, "run", "smal")


def test_mistakes_in_a_file_end_with_2_and_where_they_stand(refused, project):
    said = refused(2, "run", "small", "--set", "strategy.k=0", "--set", "span.begin=2024-01-01")
    assert "error: --set span.begin: span.begin: no such key" in said
    assert "--set strategy.k: strategy.k: " in refused(2, "run", "small", "--set", "strategy.k=0")


def test_a_file_that_is_no_toml_ends_with_2(refused, project):
    (project / "wrong.toml").write_text("name = 'x'\nspan = = 3\n")
    assert "error: wrong.toml:2:8: " in refused(2, "run", "wrong.toml")


@pytest.mark.parametrize("wrong", [["--device", "tpu"], ["--sets", "a=1"], []])
def test_a_wrong_option_ends_with_2(finstrat, project, wrong):
    ended = finstrat("run", *(["small", *wrong] if wrong else []))
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert not (project / ".finstrat").exists()


def test_data_that_are_not_there_end_with_3(refused, project):
    said = refused(3, "run", "small", "--set", "prices.path=absent.csv")
    assert said.count("\n") >= 1
    assert "absent.csv" in said


def test_prices_in_another_currency_end_with_3(refused, project):
    lines = (project / "prices.csv").read_text().splitlines()
    rows = [lines[0] + ",currency", *(f"{line},USD" for line in lines[1:])]
    (project / "prices.csv").write_text("\n".join(rows))
    assert "EUR" in refused(3, "run", "small", "--set", "market.currency=EUR")


def test_a_plugin_of_the_project_runs_and_its_change_is_a_new_trial(finstrat, project):
    source = """
import finstrat
from finstrat import features
from finstrat.components import Signal


class Mine(Signal):
    name = "mine"
    version = "1"
    needs = ("close",)
    warmup = 3

    def compute(self, inputs):
        return -features.returns(inputs.prices(), 3)


@finstrat.hookimpl
def finstrat_components():
    return [Mine]
"""
    (project / "plugins" / "mine.py").write_text(source)
    use = ("--set", "signals.mine.use=mine", "--set", "strategy.signal=mine.value")
    first = finstrat("run", "small", *use)
    assert first.code == 0, first
    (project / "plugins" / "mine.py").write_text(source.replace("-features", "features"))
    assert finstrat("run", "small", *use).code == 0
    assert trials(project) == ["ok", "ok"]


def test_a_signal_that_breaks_its_word_ends_with_1_and_counts_as_a_trial(refused, project):
    (project / "plugins" / "mine.py").write_text(
        "import finstrat\nfrom finstrat.components import Signal\n\n\n"
        "class Mine(Signal):\n    name = 'mine'\n    version = '1'\n\n"
        "    def compute(self, inputs):\n        return inputs.prices()[:, :1]\n\n\n"
        "@finstrat.hookimpl\ndef finstrat_components():\n    return [Mine]\n"
    )
    said = refused(1, "run", "small", "--set", "signals.mine.use=mine")
    assert "signals.mine: gave shape (" in said
    [outcome] = trials(project)
    assert outcome.startswith("PluginError: signals.mine")


def test_the_ledger_outlives_the_runs(finstrat, project):
    finstrat("run", "small")
    shutil.rmtree(project / "runs")
    path = finstrat("run", "small", "--set", "strategy.k=2").out.split("report: ")[1].strip()
    assert load((project / path).parent).trials["total"] == 2


def test_rebalances_without_the_optimizers_weights_are_told(finstrat, project):
    limits = ["--set", "limits.net=[0.9, 1.0]", "--set", "limits.max_weight=0.1"]
    ended = finstrat("run", "small", *limits)
    assert ended.code == 0
    told = r"^optimizer: no weights at \d+ rebalances, used instead: hold; the report lists"
    assert re.search(told, ended.out, re.MULTILINE)
