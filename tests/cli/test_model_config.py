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
