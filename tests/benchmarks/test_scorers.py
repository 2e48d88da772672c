"""The script that compares scorers measures what it says."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scorers.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("compare_scorers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_measures_of_four_answers_by_hand(script):
    codes, truth = np.array([0, 1, 1, script.UNKNOWN]), np.array([0, 1, 2, 2])
    given = script.Answers(codes, np.array([0.95, 0.62, 0.66, np.nan]), 1.0, 4)
    found = script.measures(given, truth, np.ones(4, dtype=bool))
    assert (found["n"], found["unknown"], found["accuracy"]) == (4, 1, 0.5)
    assert found["standard_error"] == 0.25
    # F1: negative 1, neutral 2/3 (one of two right), positive 0
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["confusion"] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1]]
    # one answer at .95, right; two at a mean of .64, half right
    assert found["ece"] == pytest.approx((0.05 + 2 * 0.14) / 3)


def test_script_prints_a_row_for_each_level_of_agreement(script, tmp_path, monkeypatch, capsys):
    rows = ["Profitable gains,positive,100", "Heavy losses,negative,66", "The table,neutral,66"]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,agreement", *rows]))
    out = tmp_path / "out.json"
    call = ["scorers.py", str(tmp_path / "t.csv"), "--scorer", "lm-lexicon", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", call)
    script.main()
    printed = capsys.readouterr().out
    assert "| `lm-lexicon` | 66 | 3 | 1.000 ± 0.000 | 1.000 | – |" in printed
    assert "| `lm-lexicon` | 100 | 1 | 1.000" in printed
    levels = json.loads(out.read_text())["lm-lexicon"]["levels"]
    assert list(levels) == ["66", "100"]
    assert levels["66"]["ece"] is None


def test_options_of_one_scorer_are_picked_and_parsed(script):
    told = ["a.shots=3", "b.model=x", "a.model=some/path"]
    assert script.options(told, "a") == {"shots": 3, "model": "some/path"}
