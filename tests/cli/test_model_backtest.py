"""What a verb of `finstrat model` wrote is a scorer by name; reports have its card and cutoff."""

import json

import pytest

pytest.importorskip("peft")
pytest.importorskip("accelerate")

ABOUT = """
summary = "a sample of sentences"
training_data = ["twenty-four sentences of 2024"]
licence = "Apache-2.0"
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}
MADE = {
    "lora": ("tune", "{texts}", "--epochs", 1, "--size", 2, "--about", "{about}"),
    "full": ("tune", "{texts}", "--epochs", 1, "--method", "full", "--about", "{about}"),
    "few": ("few", "{texts}", "--steps", 1, "--about", "{about}"),
    "update": ("update", "{head}", "{later}", "--epochs", 1),
    "compress": ("compress", "{head}", "--method", "int8", "--data", "{later}"),
}
TABLES = """
[documents.news]
use = "files-documents"
path = "news.csv"

[scorers.mine]
use = "encoder-head"
head = "models/mine"

[signals.news]
use = "news-sentiment"
scorer = "mine"
"""


def write_texts(path, numbers, date):
    rows = [f"{text.format(n)},{label},{date}" for n in numbers for label, text in SAID.items()]
    path.write_text("\n".join(["text,label,date", *rows]))
    return path


@pytest.mark.parametrize("made", MADE)
def test_a_backtest_names_the_model_and_reports_its_card_and_what_it_had_read(
    finstrat, project, made
):
    given = {
        "texts": write_texts(project / "texts.csv", range(8), "2024-02-20"),
        "later": write_texts(project / "later.csv", range(20, 28), "2024-02-20"),
        "about": project / "about.toml",
        "head": project / "models" / "head",
    }
    given["about"].write_text(ABOUT)
    if made in ("update", "compress"):
        head = ("model", "head", given["texts"], "--about", given["about"], "--out", given["head"])
        assert finstrat(*head).code == 0
    call = [each.format(**given) if isinstance(each, str) else each for each in MADE[made]]
    ended = finstrat("model", *call, "--out", project / "models" / "mine")
    assert ended.code == 0, ended
    rows = [
        f"{n},{asset},2024-02-0{n}T15:00Z,2024-02-0{n}T15:00Z,{SAID['positive'].format(n)}"
        for n, asset in ((1, "A"), (2, "B"), (5, "C"))
    ]
    (project / "news.csv").write_text("\n".join(["id,asset,event_at,known_at,text", *rows]))
    file = project / "backtests" / "small.toml"
    file.write_text(file.read_text().replace("momentum.value", "news.tone") + TABLES)
    ended = finstrat("run", "small", "--json")
    assert ended.code == 0, ended
    (run,) = (project / "runs").iterdir()
    report = json.loads((run / "report.json").read_text())
    page = (run / "report.html").read_text()
    assert "encoder-head (trained until 2024-02-20" in json.dumps(report["verdict"])
    for told in ("encoder-head", "twenty-four sentences of 2024", "2024-02-20"):
        assert told in json.dumps(report)
        assert told in page
