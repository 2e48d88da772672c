"""`finstrat model evaluate` and `finstrat model card`, on models that are really there."""

import json

import pandas as pd
import pytest

ROWS = {
    "positive": (
        "Profit rose on strong demand.",
        "Record gains.",
        "An excellent year.",
    ),
    "negative": ("A severe loss.", "Bankruptcy feared after losses.", "Weak and declining sales."),
    "neutral": ("The board meets in May.", "It has six plants.", "<script>alert(1)</script> hall"),
}


@pytest.fixture
def texts(tmp_path):
    rows = [(f"{text} {n}", label) for label, of in ROWS.items() for text in of for n in range(9)]
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame["date"] = ["2014-03-01", "2015-03-01", "2016-03-01"] * 27
    frame.to_csv(tmp_path / "texts.csv", index=False)
    return tmp_path / "texts.csv"


def test_scorer_by_name_is_judged_against_another_with_a_page(finstrat, texts, tmp_path):
    out = tmp_path / "out"
    ended = finstrat(
        *("model", "evaluate", "lm-lexicon", texts),
        *("--against", "lm-context", "--out", out, "--json"),
    )
    assert ended.code == 0, ended
    told = ended.json
    assert json.loads((out / "evaluation.json").read_text()) == told
    assert told["n"] == 81
    assert told["order"] == ["lm-lexicon", "lm-context"]
    figures = dict(told["models"]["lm-lexicon"]["figures"])
    assert figures["Accuracy"]["value"] > 0.6
    assert figures["Log loss"]["reason_if_null"] == "the model states no probabilities"
    assert set(told["models"]["lm-lexicon"]["slices"]["year"]) == {"2014", "2015", "2016"}
    both = told["comparison"]
    codes = [dict(told["models"][name]["figures"])["Accuracy"]["value"] for name in told["order"]]
    gain = (both["only_first"] - both["only_second"]) / 81
    assert codes[0] - codes[1] == pytest.approx(gain)
    page = (out / "evaluation.html").read_text()
    assert "lm-lexicon against lm-context" in page
    assert "<script>alert(1)" not in page


def test_measures_are_shown_with_their_intervals(finstrat, texts):
    ended = finstrat("model", "evaluate", "lm-lexicon", texts)
    assert ended.code == 0, ended
    assert "Accuracy" in ended.out
    assert "1 to" in ended.out  # the slices by length


def test_trained_model_is_judged_by_its_directory_but_not_by_what_it_learnt(
    finstrat, refused, texts, tmp_path
):
    about = tmp_path / "about.toml"
    about.write_text(
        'summary = "a sample"\ntraining_data = ["sentences"]\nlicence = "Apache-2.0"\n'
        'training_cutoff = 2026-01-01\ncutoff_reason = "written then"\nlimits = ["tiny"]\n'
    )
    model = tmp_path / "model"
    ended = finstrat("model", "head", texts, "--about", about, "--out", model)
    assert ended.code == 0, ended
    told = refused(3, "model", "evaluate", model, texts)
    assert "81 of 81 texts are among those it was trained on" in told
    frame = pd.read_csv(texts)
    frame["text"] = "In the end: " + frame["text"]
    frame.to_csv(tmp_path / "others.csv", index=False)
    judged = finstrat("model", "evaluate", model, tmp_path / "others.csv", "--json")
    assert judged.code == 0, judged
    (found,) = judged.json["models"].values()
    assert dict(found["figures"])["Log loss"]["value"] > 0
    assert found["card"]["training_cutoff"] == "2026-01-01"
    card = finstrat("model", "card", model, "--json")
    assert card.json["licence"] == "Apache-2.0"
    assert "head.safetensors" in card.json["files"]


@pytest.fixture
def hawkish(finstrat, shared_data, tmp_path):
    """A model of how hawkish the Fed's sentences are, and others to judge it by."""
    frame = pd.read_parquet(shared_data / "sentiment" / "fomc_stance.parquet")
    frame = frame.drop_duplicates("text").sample(160, random_state=0)
    frame["label"] = frame["label"].map({"dovish": -1.0, "neutral": 0.0, "hawkish": 1.0})
    frame[:80].to_parquet(tmp_path / "learnt.parquet")
    frame[80:].to_parquet(tmp_path / "judged.parquet")
    (tmp_path / "about.toml").write_text(
        'summary = "hawkish"\ntraining_data = ["Fed sentences"]\nlicence = "CC BY-NC 4.0"\n'
    )
    ended = finstrat(
        *("model", "head", tmp_path / "learnt.parquet", "--task", "regression"),
        *("--about", tmp_path / "about.toml", "--out", tmp_path / "hawkish"),
    )
    assert ended.code == 0, ended
    return tmp_path / "hawkish"


def test_model_of_numbers_is_judged_by_its_errors_against_another_with_a_page(
    finstrat, refused, hawkish, tmp_path
):
    judged, out = tmp_path / "judged.parquet", tmp_path / "out"
    call = ("model", "evaluate", hawkish, judged)
    told = finstrat(*call, "--against", "lm-context", "--out", out, "--json").json
    assert json.loads((out / "evaluation.json").read_text()) == told
    assert told["n"] == 80
    errors = {
        name: dict(told["models"][name]["figures"])["Root mean squared error"]["value"]
        for name in told["order"]
    }
    first, second = errors.values()
    assert told["comparison"]["difference"]["value"] == pytest.approx(first**2 - second**2)
    assert "year" in told["models"]["lm-context"]["slices"]
    page = (out / "evaluation.html").read_text()
    assert "Numbers that miss by" in page
    shown = finstrat(*call, "--against", "lm-context")
    assert "Rank correlation" in shown.out
    assert "Mean squared error of" in shown.out
    assert "among those it was trained on" in refused(
        3, "model", "evaluate", hawkish, tmp_path / "learnt.parquet"
    )
    assert "name them" in refused(3, *call, "--task", "classification")
    assert "--label names classes" in refused(2, *call, "--label", "0=neutral")
    assert "states no number" in refused(2, *call, "--against", "minilm-embedding")


def test_card_of_a_scorer_says_until_when_it_read(finstrat):
    ended = finstrat("model", "card", "lm-lexicon")
    assert ended.code == 0, ended
    assert "2018-12-31" in ended.out


@pytest.mark.parametrize("verb", ["evaluate", "card"])
def test_model_that_is_not_there_is_answered_with_the_nearest_scorer(refused, texts, verb):
    more = [texts] if verb == "evaluate" else []
    assert 'did you mean "lm-lexicon"' in refused(2, "model", verb, "lm-lexico", *more)


def test_pickled_weights_are_refused(refused, texts, tmp_path):
    model = tmp_path / "pickled"
    model.mkdir()
    (model / "config.json").write_text(
        '{"model_type": "bert", "id2label": {"0": "negative", "1": "positive"}}'
    )
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "pickled weights are never loaded" in refused(3, "model", "evaluate", model, texts)


def test_label_that_the_model_lacks_is_refused_with_its_row_before_a_text_is_scored(
    refused, texts, monkeypatch
):
    monkeypatch.setattr("finstrat.models.answers.score_documents", None)
    frame = pd.read_csv(texts)
    frame["label"] = frame["label"].map(
        {"positive": "dovish", "negative": "hawkish", "neutral": "neutral"}
    )
    frame.to_csv(texts, index=False)
    told = refused(3, "model", "evaluate", "lm-lexicon", texts)
    assert "texts.csv: row 1: label 'dovish' is no class of lm-lexicon; say what" in told
    assert "--label neutral=neutral --label dovish=CLASS --label hawkish=CLASS; known: neg" in told
    more = (
        "--label",
        "neutral=neutral",
        "--label",
        "dovish=positve",
        "--label",
        "hawkish=negative",
    )
    told = refused(3, "model", "evaluate", "lm-lexicon", texts, *more)
    assert 'did you mean "positive"' in told
    assert "--label dovish=CLASS --label hawkish=negative" in told


def test_shares_of_words_are_not_taken_for_probabilities(finstrat, texts):
    frame = pd.read_csv(texts)
    frame[frame["label"] != "neutral"].to_csv(texts, index=False)
    (found,) = finstrat("model", "evaluate", "lm-context", texts, "--json").json["models"].values()
    loss = dict(found["figures"])["Log loss"]
    assert loss["reason_if_null"] == "the model states no probabilities"
