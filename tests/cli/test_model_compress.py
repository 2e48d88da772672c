"""A smaller or exported model keeps its card and cutoff, and is scored like any other."""

import json

import pytest

ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
training_cutoff = 2022-08-30
cutoff_reason = "chosen"
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}

RECOVER = ("--texts", "more.csv", "--epochs", 1)


def written(path, numbers, date="2022-03-01"):
    rows = [f"{SAID[name].format(n)},{date},{name}" for n in numbers for name in SAID]
    path.write_text("\n".join(["text,date,label", *rows]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory, finstrat):
    folder = tmp_path_factory.mktemp("compress")
    (folder / "about.toml").write_text(ABOUT)
    written(folder / "train.csv", range(8))
    written(folder / "judge.csv", range(30, 36))
    written(folder / "more.csv", range(40, 50), date="2023-05-01")
    ended = finstrat(
        *("model", "head", folder / "train.csv", "--about", folder / "about.toml"),
        *("--out", folder / "head"),
    )
    assert ended.code == 0, ended
    return folder


@pytest.mark.slow
def test_an_export_is_measured_and_keeps_the_card(finstrat, folder):
    out = folder / "exported"
    ended = finstrat(
        *("model", "export", folder / "head", "--data", folder / "judge.csv"),
        *("--out", out, "--json"),
    )
    assert ended.code == 0, ended
    assert ended.json["largest_difference_in_fp32"] < 1e-5
    card = json.loads((out / "card.json").read_text())
    assert card["training_cutoff"] == "2022-08-30"
    assert card["export"]["after"]["n"] == 18
    assert set(card["files"]) == {"model.onnx"}
    assert "cross_validation" not in card


@pytest.mark.slow
def test_an_export_that_differs_leaves_nothing(refused, folder):
    told = refused(
        3, "model", "export", folder / "head", "--data", folder / "judge.csv",
        "--out", folder / "never", "--tolerance", 0,
    )  # fmt: skip
    assert "moves a probability" in told
    assert not list(folder.glob("*never*"))


@pytest.mark.parametrize(
    ("method", "more", "cutoff"),
    [
        ("int8", (), "2022-08-30"),
        pytest.param("prune", RECOVER, "2023-05-01", marks=pytest.mark.slow),
        pytest.param("distil", RECOVER, "2023-05-01", marks=pytest.mark.slow),
    ],
)
def test_a_smaller_model_is_judged_by_name_and_says_what_was_done(
    finstrat, folder, method, more, cutoff
):
    more = [folder / each if each == "more.csv" else each for each in more]
    ended = finstrat(
        *("model", "compress", folder / "head", "--method", method, "--data", folder / "judge.csv"),
        *("--out", folder / method, *more),
    )
    assert ended.code == 0, ended
    told = finstrat("model", "card", folder / method, "--json").json
    assert told["training_cutoff"] == cutoff
    assert told["compression"]["settings"]["method"] == method
    assert told["compression"]["after"]["bytes"] < told["compression"]["before"]["bytes"]
    judged = finstrat("model", "evaluate", folder / method, folder / "judge.csv", "--json")
    assert judged.code == 0, judged
