"""`finstrat model --config FILE` gives each verb its options from a TOML table."""

import json

import pytest

WHAT = ("Sales", "Profit", "Orders", "Margins", "Exports", "Volumes", "Prices", "Rents", "Fees")
WHERE = ("in Asia", "at home", "abroad", "online")
HOW = {"1": "rose", "0": "fell"}


@pytest.fixture
def folder(tmp_path):
    lines = [f"{what} {HOW[k]} {where}.,{k}" for k in HOW for what in WHAT for where in WHERE]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]))
    return tmp_path


def config(folder, text):
    (folder / "model.toml").write_text(text)
    return "model", "--config", folder / "model.toml", "prepare"


def test_arguments_options_and_pairs_come_from_the_verbs_table(finstrat, folder):
    asked = config(
        folder,
        f"""
        [prepare]
        data = ["{folder / "texts.csv"}"]
        out = "{folder / "data"}"
        similarity = 1.0
        seed = 3
        label = {{ 0 = "negative", 1 = "positive" }}
        """,
    )
    ended = finstrat(*asked)
    assert ended.code == 0, ended
    report = json.loads((folder / "data" / "data.json").read_text())
    assert report["classes"] == ["negative", "positive"]
    assert sum(part["n"] for part in report["parts"].values()) == 72


def test_command_line_goes_before_the_file(finstrat, folder):
    asked = config(
        folder,
        f"""
        [prepare]
        data = ["{folder / "texts.csv"}"]
        out = "{folder / "data"}"
        similarity = 1.0
        label = {{ 0 = "negative", 1 = "positive" }}
        """,
    )
    assert finstrat(*asked, "--out", folder / "elsewhere").code == 0
    assert not (folder / "data").exists()
    assert (folder / "elsewhere" / "data.json").is_file()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[prepar]\nseed = 1\n",
            "model.toml:1: no verb [prepar] of `finstrat model`; did you mean",
        ),
        ("[prepare]\nseeds = 1\n", 'model.toml:2: prepare: no option "seeds"; did you mean "seed"'),
        ("[prepare]\nseed = {\n", "model.toml:2"),
    ],
)
def test_what_is_not_there_is_named_with_its_line(refused, folder, text, told):
    assert told in refused(2, *config(folder, text))


def test_value_of_the_wrong_kind_is_a_usage_error(finstrat, folder):
    ended = finstrat(
        *config(folder, '[prepare]\ndata = ["texts.csv"]\nout = "data"\nseed = "many"\n')
    )
    assert ended.code == 2
    assert "seed" in ended.err


VERBS = """
[tune]
data = ["texts.csv"]
about = "about.toml"
out = "tuned"
develop = ["held.csv"]
evaluate = ["judge.csv"]
method = "frozen"
size = 1
epochs = 1
seed = 2
label = { 0 = "negative", 1 = "positive" }
set = { batch = 24, schedule = "linear", class_weights = "balanced", label_smoothing = 0.1 }
json = true

[head]
data = ["columns.csv"]
about = "about.toml"
out = "head"
task = "classification"
family = "svm"
folds = "time"
embargo = 0
text = "headline"
label-column = "tone"
label = { 0 = "negative", 1 = "positive" }
seed = 3
json = true

[few]
data = ["named.csv"]
about = "about.toml"
out = "few"
validation = ["named_held.csv"]
judge = ["named_judge.csv"]
unlabelled = ["plain.csv"]
steps = 1
batch = 4
learning-rate = 1e-5
threshold = 0.8
rounds = 2
seed = 4
json = true

[compress]
model = "head"
method = "int8"
data = ["judge.csv"]
out = "smaller"
label = { 0 = "negative", 1 = "positive" }
seed = 5
json = true

[evaluate]
model = "smaller"
data = ["columns_judge.csv"]
against = "head"
out = "evaluation"
text = "headline"
label-column = "tone"
label = { 0 = "negative", 1 = "positive" }
seed = 6
json = true
"""
ABOUT = 'summary = "a sample"\ntraining_data = ["sentences"]\nlicence = "Apache-2.0"\n'


def rows(numbers, names=("0", "1")):
    return [f"{w} {HOW[str(k)]} by {n}.,{names[k]}" for n in numbers for w in WHAT for k in (0, 1)]


@pytest.mark.slow
def test_each_key_of_each_verb_that_makes_or_judges_a_model_is_heard(
    finstrat, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    named = ("negative", "positive")
    for name, numbers in {"texts": (1, 2, 3), "held": (4,), "judge": (5,)}.items():
        tables = {name: ("text,label", rows(numbers))}
        tables["named" if name == "texts" else f"named_{name}"] = (
            "text,label",
            rows(numbers, named),
        )
        dated = [f"{row},2015-01-{day + 1:02d}" for day, row in enumerate(rows(numbers)[:28])]
        tables["columns" if name == "texts" else f"columns_{name}"] = ("headline,tone,date", dated)
        for file, (head, lines) in tables.items():
            (tmp_path / f"{file}.csv").write_text("\n".join([head, *lines]))
    (tmp_path / "plain.csv").write_text("text\nExports rose by 77.\nExports fell by 77.\n")
    (tmp_path / "about.toml").write_text(ABOUT)
    (tmp_path / "model.toml").write_text(VERBS)

    def told(verb):
        ended = finstrat("model", "--config", "model.toml", verb)
        assert ended.code == 0, ended
        return ended.json

    tuned = told("tune")
    heard = {"method": "frozen", "size": 1, "epochs": 1, "seed": 2, "batch": 24}
    heard |= {"schedule": "linear", "class_weights": "balanced", "label_smoothing": 0.1}
    assert {key: tuned["training"][key] for key in heard} == heard
    assert tuned["development"]["validation"]["n"] == 18
    assert tuned["evaluation"]["judge"]["n"] == 18

    head = told("head")
    assert (head["method"], head["classes"]) == ("head: svm", ["negative", "positive"])
    assert (head["training"]["by"], head["training"]["embargo_days"]) == ("time", 0)
    assert head["period"] == ["2015-01-01", "2015-01-28"]

    few = told("few")
    heard = {"steps": 1, "batch": 4, "learning_rate": 1e-5, "threshold": 0.8, "rounds": 2}
    assert {key: few["training"][key] for key in heard} == heard
    assert few["training"]["unlabelled"] == 2
    assert few["evaluation"]["this model"]["n"] == 18

    smaller = told("compress")
    assert (smaller["settings"]["method"], smaller["settings"]["seed"]) == ("int8", 5)

    judged = told("evaluate")
    assert judged["n"] == 18
    assert judged["order"] == ["smaller", "head"]
    assert (tmp_path / "evaluation" / "evaluation.html").is_file()
