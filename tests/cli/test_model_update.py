"""An update is a model of the same kind, with a later cutoff and the figures of old and new."""

import json

import pytest

ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
training_cutoff = 2021-08-30
cutoff_reason = "chosen"
limits = ["tiny"]
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}


def written(path, numbers, date, label=None):
    rows = [f"{SAID[name].format(n)},{label or name},{date}" for n in numbers for name in SAID]
    path.write_text("\n".join(["text,label,date", *rows]))
    return path


@pytest.fixture
def folder(tmp_path, finstrat):
    (tmp_path / "about.toml").write_text(ABOUT)
    written(tmp_path / "old.csv", range(8), "2020-06-01")
    written(tmp_path / "new.csv", range(20, 26), "2024-05-01")
    written(tmp_path / "judge_old.csv", range(40, 44), "2020-07-01")
    written(tmp_path / "judge_new.csv", range(50, 54), "2024-06-01")
    ended = finstrat(
        *("model", "head", tmp_path / "old.csv", "--about", tmp_path / "about.toml"),
        *("--out", tmp_path / "head"),
    )
    assert ended.code == 0, ended
    return tmp_path


def call(folder, *more):
    return (
        *("model", "update", folder / "head", folder / "new.csv", "--out", folder / "out"),
        *("--replay", folder / "old.csv", *more),
    )


def test_an_update_is_stored_with_its_figures_and_a_later_cutoff(finstrat, folder):
    judges = ("--judge", folder / "judge_old.csv", "--judge", folder / "judge_new.csv")
    ended = finstrat(*call(folder, *judges, "--ewc", 10, "--json"))
    assert ended.code == 0, ended
    card = ended.json
    assert card["training_cutoff"] == "2024-05-01"
    assert card["parent"]["name"] == "head"
    assert len(card["parent"]["sha256"]) == 64
    assert "cross_validation" not in card  # it was of the model before
    assert [each["period"] for each in card["update"]["periods"]] == ["2020", "2024", "old", "new"]
    old = card["update"]["periods"][2]
    assert old["n"] == 12
    assert set(old["accuracy_change"]) == {"updated", "naive"}
    stored = json.loads((folder / "out" / "card.json").read_text())
    assert stored == {**card, "classes": ["negative", "neutral", "positive"]}
    assert sorted(each.name for each in (folder / "out").iterdir()) == [
        "card.json",
        "head.safetensors",
        "trained-on.txt",
    ]
    assert not list(folder.glob(".out*"))


@pytest.mark.parametrize("learnt", ["old", "new"])
def test_an_update_is_not_judged_by_what_it_or_the_model_before_learnt(
    finstrat, refused, folder, learnt
):
    made = finstrat(
        *("model", "update", folder / "head", folder / "new.csv", "--out", folder / "out")
    )
    assert made.code == 0, made
    said = refused(3, "model", "evaluate", folder / "out", folder / f"{learnt}.csv")
    assert "are among those it was trained on" in said


def test_what_was_learnt_cant_be_judged_by_and_unknown_labels_are_refused(refused, folder):
    assert "texts are in the training data too" in refused(
        3, *call(folder, "--judge", folder / "new.csv")
    )
    learnt_before = ("--judge", folder / "old.csv")
    assert "are among those it was trained on" in refused(
        3, *call(folder, *learnt_before, "--share", "0")
    )
    written(folder / "new.csv", range(30, 36), "2024-05-01", label="bullish")
    said = refused(3, *call(folder))
    assert "new.csv: row 1: label 'bullish' is no class of" in said
    assert "--label bullish=CLASS" in said
    assert not (folder / "out").exists()


def test_a_model_of_numbers_is_refused(finstrat, refused, folder):
    numbers = folder / "numbers.csv"
    rows = [f"Sales of {n} million.,{n % 7}.5,2020-06-01" for n in range(20)]
    numbers.write_text("\n".join(["text,label,date", *rows]))
    model = ("--about", folder / "about.toml", "--out", folder / "value")
    made = finstrat("model", "head", numbers, "--task", "regression", *model)
    assert made.code == 0, made
    said = refused(3, "model", "update", folder / "value", numbers, "--out", folder / "out")
    assert "a model of numbers can't be updated" in said
