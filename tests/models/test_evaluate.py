"""Measures of answers against labels, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from finstrat.models.answers import UNKNOWN, Answers
from finstrat.models.evaluate import compare, confusion, evaluate

CLASSES = ("negative", "neutral", "positive")
RNG = np.random.default_rng(3)
TRUTH = RNG.integers(0, 3, 300)
CHANCES = RNG.dirichlet((1, 1, 1), 300)
CHANCES[np.arange(300), TRUTH] += 0.5
CHANCES /= CHANCES.sum(axis=1, keepdims=True)
ANSWERS = Answers(CHANCES.argmax(axis=1), CHANCES)


@pytest.fixture(scope="module")
def found():
    half = ["long" if i % 2 else "short" for i in range(290)] + ["odd"] * 10
    return evaluate(ANSWERS, TRUTH, classes=CLASSES, slices={"length": half})


def test_measures_equal_scikit_learns(found):
    got = {label: figure.value for label, figure in found.figures}
    codes = ANSWERS.codes
    assert got["Accuracy"] == pytest.approx(metrics.accuracy_score(TRUTH, codes), abs=1e-12)
    macro = metrics.f1_score(TRUTH, codes, average="macro")
    assert got["Macro-F1"] == pytest.approx(macro, abs=1e-12)
    mcc = metrics.matthews_corrcoef(TRUTH, codes)
    assert got["Matthews correlation"] == pytest.approx(mcc, abs=1e-12)
    assert got["Log loss"] == pytest.approx(metrics.log_loss(TRUTH, CHANCES), abs=1e-12)
    hit = np.eye(3)[TRUTH]
    assert got["Brier score"] == pytest.approx(((CHANCES - hit) ** 2).sum(axis=1).mean())


def test_classes_equal_scikit_learns(found):
    report = metrics.classification_report(
        TRUTH, ANSWERS.codes, target_names=CLASSES, output_dict=True
    )
    for name, figures in found.by_class.items():
        got = {label: figure.value for label, figure in figures}
        assert got["Precision"] == pytest.approx(report[name]["precision"], abs=1e-12)
        assert got["Recall"] == pytest.approx(report[name]["recall"], abs=1e-12)
        assert got["F1"] == pytest.approx(report[name]["f1-score"], abs=1e-12)


def test_intervals_hold_their_value_and_shrink_with_texts(found):
    (_, accuracy), *_ = found.figures
    low, high = accuracy.ci
    assert low < accuracy.value < high
    # About as wide as a normal's 90 % interval of a share.
    width = 2 * 1.645 * np.sqrt(accuracy.value * (1 - accuracy.value) / 300)
    assert high - low == pytest.approx(width, rel=0.2)


def test_small_slice_is_null_with_its_reason(found):
    ((_, accuracy), _) = found.slices["length"]["odd"]
    assert accuracy.value is None
    assert "10 texts are too few" in accuracy.reason_if_null
    long = np.array([i % 2 == 1 and i < 290 for i in range(300)])
    expected = (ANSWERS.codes == TRUTH)[long].mean()
    assert found.slices["length"]["long"][0][1].value == pytest.approx(expected)


def test_calibration_error_by_hand():
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    found = evaluate(Answers(sure.argmax(axis=1), sure), np.array([0, 1, 0, 0]), classes=("a", "b"))
    # Two at .9, one right: gap .4; two at .6, one right: gap .1.
    assert dict(found.figures)["Expected calibration error"].value == pytest.approx(0.25)
    assert found.reliability == ((2, 0.6, 0.5), (2, 0.9, 0.5))


def test_unknown_answer_is_wrong_and_states_nothing():
    chances = np.array([[0.8, 0.2], [np.nan, np.nan], [0.3, 0.7]])
    answers = Answers(np.array([0, UNKNOWN, 1]), chances)
    truth = np.array([0, 0, 1])
    found = evaluate(answers, truth, classes=("a", "b"))
    assert confusion(answers.codes, truth, size=2).tolist() == [[1, 0, 1], [0, 1, 0]]
    figures = dict(found.figures)
    assert figures["Accuracy"].value == pytest.approx(2 / 3)
    assert figures["Log loss"].n == 2
    assert dict(found.by_class["a"])["Recall"].value == pytest.approx(0.5)


def test_model_without_probabilities_has_no_calibration():
    found = evaluate(Answers(ANSWERS.codes, None), TRUTH, classes=CLASSES)
    brier = dict(found.figures)["Brier score"]
    assert brier.value is None
    assert brier.reason_if_null == "the model states no probabilities"
    assert found.reliability == ()


def test_mcnemar_counts_the_texts_that_one_alone_has_right():
    truth = np.zeros(20, dtype=np.int64)
    first = Answers(np.array([0] * 18 + [1] * 2), None)
    second = Answers(np.array([0] * 9 + [1] * 9 + [0] * 1 + [1] * 1), None)
    found = compare(first, second, truth, seed=0)
    assert (found.only_first, found.only_second) == (9, 1)
    assert found.p.value == pytest.approx(2 * (1 + 10) / 2**10)
    assert found.difference.value == pytest.approx(8 / 20)


def test_same_answers_have_no_p_value():
    found = compare(ANSWERS, ANSWERS, TRUTH, seed=0)
    assert found.p.value is None
    assert found.difference.value == 0.0
