"""`finstrat model` trains what it says, and refuses what it can't use before training."""

import json

import pytest
from finstrat_plugins.scorers.encoder_head import EncoderHead

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
        *("--about", folder / "about.toml", "--out", folder / "out", "--json"),
    )


def test_tune_writes_adapter_head_and_a_card_that_agrees_with_them(finstrat, sample):
    pytest.importorskip("peft")
    pytest.importorskip("accelerate")
    (sample / "unseen.csv").write_text("text,label\nCosts fell.,positive\nCosts rose.,negative")
    (sample / "others.csv").write_text("text,label\nIt is a list.,neutral\n")
    ended = finstrat(
        *arguments("tune", sample),
        *("--develop", sample / "unseen.csv", "--epochs", 1, "--size", 2),
        *("--evaluate", sample / "others.csv"),
    )
    assert ended.code == 0, ended
    card = ended.json
    stored = json.loads((sample / "out" / "card.json").read_text())
    assert stored == {**card, "classes": ["negative", "neutral", "positive"]}
    assert card["training"]["texts"] == 15  # the repeated row counts once
    assert card["development"]["validation"]["n"] == 2
    assert card["evaluation"]["others"]["n"] == 1
    assert [each.name for each in sample.glob(".out*")] == []
    assert set(card["files"]) == {"adapter_model.safetensors", "head.safetensors"}
    assert card["training_cutoff"] == "2026-01-01"


def test_head_writes_head_and_card(finstrat, sample):
    (sample / "others.csv").write_text("text,label\nRevenue rose.,positive\nA plan.,neutral\n")
    ended = finstrat(*arguments("head", sample), "--evaluate", sample / "others.csv")
    assert ended.code == 0, ended
    assert ended.json["cross_validation"]["n"] == 15
    assert ended.json["evaluation"]["others"]["n"] == 2
    assert ended.json["texts"] == 15
    assert (sample / "out" / "head.safetensors").is_file()
    assert json.loads((sample / "out" / "card.json").read_text()) == ended.json


def test_label_that_is_not_learnt_is_named_with_its_row_and_nothing_is_written(refused, sample):
    (sample / "unseen.csv").write_text("text,label\nCosts fell.,bullish")
    told = refused(3, *arguments("tune", sample), "--develop", sample / "unseen.csv")
    assert "unseen.csv: row 1: label 'bullish'" in told
    assert not (sample / "out").exists()


def test_about_without_a_licence_is_refused(refused, sample):
    (sample / "about.toml").write_text(ABOUT.replace("licence", "license"))
    assert "licence" in refused(2, *arguments("tune", sample))


def test_head_of_another_family_and_classes_by_time(finstrat, sample):
    days = [f"2015-01-{day:02d}" for day in range(1, 31)]
    lines = [f"{word} {day}.,{word},{day}" for day in days for word in ("dovish", "hawkish")]
    (sample / "sample.csv").write_text("\n".join(["text,label,date", *lines]))
    ended = finstrat(*arguments("head", sample), "--family", "svm", "--folds", "time")
    assert ended.code == 0, ended
    card = ended.json
    assert card["classes"] == ["dovish", "hawkish"]
    assert card["method"] == "head: svm"
    assert (card["training"]["by"], card["training"]["embargo_days"]) == ("time", 1)
    assert card["cross_validation"]["n"] == 48  # four stretches of five
    assert card["cross_validation"]["accuracy"] == 1.0
    assert card["period"] == ["2015-01-01", "2015-01-30"]


def test_head_of_a_number_is_scored_by_its_value(finstrat, refused, sample):
    rows = [f"Profit rose by {n} percent.,{n / 10}" for n in range(-20, 20)]
    (sample / "sample.csv").write_text("\n".join(["text,label", *rows]))
    ended = finstrat(*arguments("head", sample), "--task", "regression")
    assert ended.code == 0, ended
    assert ended.json["method"] == "head: ridge"
    assert set(ended.json["cross_validation"]) == {"n", "rmse", "mae", "spearman"}
    scorer = EncoderHead({"head": sample / "out"})
    assert scorer.outputs == ("score",)
    assert scorer.score(["Profit rose by 9 percent."]).shape == (1, 1)
    wrong = refused(2, *arguments("head", sample), "--task", "regression", "--family", "logistic")
    assert "expected ridge, svm, forest or boosting in a regression" in wrong


def test_cutoff_before_the_last_text_is_refused_with_both_dates(refused, sample):
    text = (sample / "sample.csv").read_text().replace("text,label", "text,label,date")
    (sample / "sample.csv").write_text(
        "\n".join(f"{line},2026-02-03" if n else line for n, line in enumerate(text.splitlines()))
    )
    told = refused(2, *arguments("head", sample))
    assert "training_cutoff 2026-01-01 is earlier than 2026-02-03" in told
    assert not (sample / "out").exists()


def test_cutoff_that_is_not_told_is_worked_out_or_unknown(finstrat, sample):
    about = "".join(line for line in ABOUT.splitlines(keepends=True) if "cutoff" not in line)
    (sample / "about.toml").write_text(about)
    ended = finstrat(*arguments("head", sample))
    assert ended.json["training_cutoff"] is None
    assert "have no dates" in ended.json["cutoff_reason"]


def test_texts_to_judge_by_that_were_learnt_are_refused(refused, sample):
    told = refused(3, *arguments("head", sample), "--evaluate", sample / "sample.csv")
    assert "15 of 15 texts are in the training data too" in told
    assert not (sample / "out").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["Sales rose.,up"] + [f"Sales rose {n}.,up" for n in range(9)], 'only "up"'),
        ([f"Sales rose {n}.,{n % 2}" for n in range(12)], "the labels are numbers (0, 1)"),
        ([f"Sales rose {n}.," for n in range(12)], "no text has a label"),
    ],
    ids=["one class", "numbers", "no label"],
)
def test_labels_that_teach_nothing_are_refused(refused, sample, rows, message):
    (sample / "sample.csv").write_text("\n".join(["text,label", *rows]))
    assert message in refused(3, *arguments("head", sample), "--family", "svm")
    assert not (sample / "out").exists()


def test_two_files_to_judge_by_of_one_name_are_refused(refused, sample):
    (sample / "more").mkdir()
    for folder in (sample, sample / "more"):
        (folder / "others.csv").write_text("text,label\nRevenue rose.,positive\n")
    judges = ("--evaluate", sample / "others.csv", "--evaluate", sample / "more" / "others.csv")
    assert "is others too; rename one" in refused(3, *arguments("head", sample), *judges)
    assert not (sample / "out").exists()


def test_a_backtest_on_a_head_reports_its_card_and_cutoff(finstrat, sample, project):
    (sample / "about.toml").write_text(ABOUT.replace("2026-01-01", "2024-02-20"))
    ended = finstrat(*arguments("head", sample), "--family", "svm")
    assert ended.code == 0, ended
    days = ((1, "A"), (2, "B"), (5, "C"))
    rows = [f"{n},{asset},2024-02-0{n}T15:00Z,2024-02-0{n}T15:00Z,Profit." for n, asset in days]
    (project / "news.csv").write_text("\n".join(["id,asset,event_at,known_at,text", *rows]))
    file = project / "backtests" / "small.toml"
    file.write_text(
        f"""{file.read_text()}
[documents.news]
use = "files-documents"
path = "news.csv"

[scorers.mine]
use = "encoder-head"
head = "{sample / "out"}"

[signals.news]
use = "news-sentiment"
scorer = "mine"
"""
    )
    ended = finstrat("run", "small", "--json", "--set", "strategy.signal=news.tone")
    assert ended.code == 0, ended
    assert "encoder-head (trained until 2024-02-20" in json.dumps(ended.json["verdict"])
    assert "fifteen sentences" in ended.out


def test_head_learns_from_the_parts_that_prepare_wrote(finstrat, sample):
    assert finstrat("model", "prepare", sample / "more.csv", "--out", sample / "parts").code != 0
    rows = [
        f"{text} number {n} {'x' * n},{label}"
        for label, texts in ROWS.items()
        for text in texts
        for n in range(9)
    ]
    (sample / "more.csv").write_text("\n".join(["text,label", *rows]))
    made = finstrat(
        *("model", "prepare", sample / "more.csv", "--out", sample / "parts"),
        *("--similarity", 1.0, "--shares", "0.6,0.2,0.2"),
    )
    assert made.code == 0, made
    ended = finstrat(
        *("model", "head", sample / "parts", "--about", sample / "about.toml"),
        *("--out", sample / "out"),
    )
    assert ended.code == 0, ended
    card = json.loads((sample / "out" / "card.json").read_text())
    assert set(card["evaluation"]) == {"validation", "test"}
    lines = [line.split() for line in ended.out.splitlines()]
    for name, figures in card["evaluation"].items():
        shown = [f"{figures[key]:.4f}" for key in ("accuracy", "macro_f1", "ece")]
        assert [name, str(figures["n"]), *shown] in lines
    assert f"next: finstrat model evaluate {sample}/out {sample}/parts/test.parquet" in ended.out
