"""A few labels make a model that goes where others do."""

import pytest

from finstrat.models.trained import load_trained

ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}


def written(path, numbers, *, labels=True, date="2022-03-01"):
    rows = [f"{SAID[name].format(n)},{date}{f',{name}' * labels}" for n in numbers for name in SAID]
    path.write_text("\n".join(["text,date" + ",label" * labels, *rows]))
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "about.toml").write_text(ABOUT)
    written(tmp_path / "few.csv", range(5))
    written(tmp_path / "validation.csv", range(20, 26))
    written(tmp_path / "judge.csv", range(30, 36))
    written(tmp_path / "more.csv", range(40, 60), labels=False, date="2023-05-01")
    return tmp_path


def call(folder, *more):
    return (
        *("model", "few", folder / "few.csv", "--about", folder / "about.toml"),
        *("--out", folder / "out", "--steps", 3, "--batch", 6, "--json", *more),
    )


def test_a_model_with_its_own_encoder_and_the_figures_beside_a_head_alone(finstrat, folder):
    ended = finstrat(
        *call(folder, "--judge", folder / "judge.csv", "--validation", folder / "validation.csv"),
        *("--unlabelled", folder / "more.csv", "--threshold", 0.5),
    )
    assert ended.code == 0, ended
    card = ended.json
    assert set(card["evaluation"]) == {"head alone", "this model"}
    assert card["evaluation"]["this model"]["n"] == 18
    assert card["training"]["unlabelled"] == 60
    assert card["training"]["rounds_tried"][0]["believed"] == 0
    assert card["training_cutoff"] == "2023-05-01"  # of the texts that it labelled itself
    assert card["period"] == ["2022-03-01", "2023-05-01"]
    assert set(card["files"]) == {"head.safetensors", "model.safetensors"}
    model = load_trained(folder / "out")
    assert model.encoder == folder / "out"
    assert model.classes == ("negative", "neutral", "positive")
    assert not list(folder.glob(".out*"))
    assert len((folder / "out" / "trained-on.txt").read_text().split()) == 15 + 60


def test_a_validation_alone_says_how_sure_it_may_be(finstrat, folder):
    plain = finstrat(*call(folder)).json["training"]
    ended = finstrat(*call(folder, "--validation", folder / "validation.csv"))
    assert ended.json["training"]["temperature"] != plain["temperature"]
    assert ended.json["training"]["C"] == plain["C"]


def test_what_would_flatter_is_refused(refused, folder):
    assert "--unlabelled needs --validation" in refused(
        2, *call(folder, "--unlabelled", folder / "more.csv")
    )
    said = refused(3, *call(folder, "--judge", folder / "few.csv"))
    assert "texts are in the training data too" in said
    with (folder / "about.toml").open("a") as file:
        file.write("training_cutoff = 2022-01-01\n")
    said = refused(2, *call(folder))
    assert "about.toml: training_cutoff 2022-01-01 is earlier than 2022-03-01" in said
    assert not (folder / "out").exists()
