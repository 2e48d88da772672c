"""`finstrat model label` asks, saves every answer, and goes on where it was."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from finstrat.cli import app

TEXTS = ("Profit rose.", "Profit fell.", "The board met.", "A dividend was paid.", "Sales sank.")


@pytest.fixture
def ask(tmp_path):
    pd.DataFrame({"text": [*TEXTS, TEXTS[0]]}).to_csv(tmp_path / "texts.csv", index=False)

    def ask(keys, *options):
        arguments = ["model", "label", tmp_path / "texts.csv", "--out", tmp_path / "out.csv"]
        given = [str(each) for each in (*arguments, *options)]
        return CliRunner().invoke(app, given, input="\n".join(keys), prog_name="finstrat")

    ask.out = tmp_path / "out.csv"
    return ask


def test_answers_are_kept_and_the_next_sitting_goes_on(ask):
    first = ask(["1", "x", "s", "q"])  # x means nothing and is asked again
    assert first.exit_code == 0, first.output
    kept = pd.read_csv(ask.out)
    assert kept["label"].fillna("").tolist() == ["negative", ""]
    second = ask(["3", "2", "3", "3"])
    assert second.exit_code == 0, second.output
    kept = pd.read_csv(ask.out)
    assert sorted(kept["text"]) == sorted(TEXTS)
    assert kept["label"].fillna("").tolist() == ["negative", "", "positive", "neutral", "positive"]
    assert "1 negative, 1 neutral, 2 positive; 0 texts left" in second.stdout


def test_undo_takes_the_last_answer_back(ask):
    ask(["1", "u", "3"])
    assert pd.read_csv(ask.out)["label"].tolist() == ["positive"]


def test_every_answer_is_on_the_disk_before_the_next_is_asked(ask, monkeypatch):
    from finstrat.cli import model_label

    seen = []
    ask_next = model_label._typed

    def typed():
        for key in ask_next():
            seen.append(len(pd.read_csv(ask.out)) if ask.out.exists() else 0)
            yield key

    monkeypatch.setattr(model_label, "_typed", typed)
    ask(["1", "2", "s"])
    assert seen == [0, 1, 2]


def test_label_of_another_class_in_the_file_is_named_with_its_row(ask):
    ask.out.write_text("text,label\nA.,negative\nB.,bullish\n")
    ended = ask(["1"])
    assert ended.exit_code == 3
    assert "row 2: label 'bullish'" in ended.stderr
    assert pd.read_csv(ask.out)["label"].tolist() == ["negative", "bullish"]


def test_one_class_is_refused(ask):
    ended = ask(["1"], "--classes", "negative")
    assert ended.exit_code == 2
    assert "two to nine different names" in ended.stderr
    assert not ask.out.exists()


def test_encoder_that_is_not_there_is_refused_though_all_is_labelled(ask, tmp_path):
    pd.DataFrame({"text": TEXTS, "label": "positive"}).to_csv(tmp_path / "texts.csv", index=False)
    ended = ask(["1"], "--encoder", tmp_path / "nowhere")
    assert ended.exit_code == 3
    assert "no such directory" in ended.stderr
