"""`finstrat model` trains what it says, and refuses what it can't use before training."""

import json

import pytest

ABOUT = """
summary = "a sample"
training_data = ["fifteen sentences"]
licence = "Apache-2.0"
training_cutoff = 2026-01-01
cutoff_reason = "written then"
limits = ["tiny"]
"""
ROWS = {
    "positive": ["Sales rose.", "Profit grew.", "Orders increased.", "Margins rose.", "EPS up."],
    "negative": ["Sales fell.", "Profit sank.", "Orders dropped.", "Margins fell.", "EPS down."],
    "neutral": ["It meets in May.", "It has six plants.", "She is 48.", "A list.", "Page 3."],
}


@pytest.fixture
def sample(tmp_path):
    (tmp_path / "about.toml").write_text(ABOUT)
    lines = [f"{text},{label}" for label, texts in ROWS.items() for text in texts]
    (tmp_path / "sample.csv").write_text("\n".join(["text,label", *lines, lines[0]]))
    return tmp_path


def arguments(verb, folder):
    return (
        *("model", verb, folder / "sample.csv"),
        *("--about", folder / "about.toml", "--out", folder / "out"),
    )


def test_tune_writes_adapter_head_and_a_card_that_agrees_with_them(finstrat, sample):
    pytest.importorskip("peft")
    ended = finstrat(
        *arguments("tune", sample),
        *("--develop", sample / "sample.csv", "--epochs", 1, "--rank", 2),
    )
    assert ended.code == 0, ended
    card = ended.json
    stored = json.loads((sample / "out" / "card.json").read_text())
    assert stored == {**card, "classes": ["negative", "neutral", "positive"]}
    assert card["training"]["texts"] == 15  # the repeated row counts once
    assert card["development"]["sample"]["n"] == 15
    assert set(card["files"]) == {"adapter_model.safetensors", "head.safetensors"}
    assert card["training_cutoff"] == "2026-01-01"


def test_head_writes_head_and_card(finstrat, sample):
    ended = finstrat(*arguments("head", sample), "--evaluate", sample / "sample.csv")
    assert ended.code == 0, ended
    assert ended.json["cross_validation"]["n"] == 15
    assert ended.json["evaluation"]["sample"]["n"] == 15
    assert (sample / "out" / "head.safetensors").is_file()


@pytest.mark.parametrize("verb", ["head", "tune"])
def test_strange_label_is_named_with_its_row_and_nothing_is_written(refused, sample, verb):
    with (sample / "sample.csv").open("a") as file:
        file.write("\nA text.,bullish\n")
    told = refused(3, *arguments(verb, sample))
    assert "row 17" in told
    assert "bullish" in told
    assert not (sample / "out").exists()


def test_about_without_a_licence_is_refused(refused, sample):
    (sample / "about.toml").write_text(ABOUT.replace("licence", "license"))
    assert "licence" in refused(2, *arguments("tune", sample))
