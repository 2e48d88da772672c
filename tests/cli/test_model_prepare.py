import json

import pandas as pd
import pytest

SAID = {"positive": "Profit of {} rose", "negative": "{} warns of a loss", "neutral": "{} meets"}


PLACES = (
    *("Aldgate", "Borough", "Camden", "Dalston", "Euston", "Fulham", "Hackney", "Islington"),
    *("Kennington", "Lambeth", "Mayfair", "Norwood", "Oval", "Peckham"),
)


@pytest.fixture
def texts(tmp_path):
    rows = [
        {"text": said.format(place), "label": label, "date": f"2015-{1 + i % 9:02d}-02"}
        for i, place in enumerate(PLACES)
        for label, said in SAID.items()
    ]
    path = tmp_path / "texts.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_prepared_parts_are_written_with_their_report(finstrat, texts, tmp_path):
    out = tmp_path / "data"
    told = finstrat("model", "prepare", texts, "--out", out, "--shares", "0.6,0.2,0.2", "--json")
    assert told.code == 0, told
    assert told.json == json.loads((out / "data.json").read_text(encoding="utf-8"))
    assert told.json["classes"] == ["negative", "neutral", "positive"]
    parts = {name: pd.read_parquet(out / f"{name}.parquet") for name in ("train", "test")}
    assert set(parts["train"]["label"]) == set(SAID)
    assert not set(parts["train"]["text"]) & set(parts["test"]["text"])
    shown = finstrat("model", "prepare", texts, "--out", out, "--split", "time").out
    assert "validation" in shown
    assert "2015-" in shown


def test_refused_preparation_leaves_nothing(refused, texts, tmp_path):
    out = tmp_path / "data"
    assert "three numbers" in refused(
        *(2, "model", "prepare", texts, "--out", out, "--shares", "half")
    )
    assert "GIVEN=MEANING" in refused(*(2, "model", "prepare", texts, "--out", out, "--label", "a"))
    told = refused(3, "model", "prepare", texts, "--out", out, "--label", "positive=good")
    assert "isn't among those named by --label" in told
    assert list(tmp_path.iterdir()) == [texts]
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    assert "holds no data.json" in refused(3, "model", "prepare", texts, "--out", out)
    assert [each.name for each in out.iterdir()] == ["mine.txt"]


def test_groups_may_be_named_as_the_file_names_them(finstrat, texts, tmp_path):
    frame = pd.read_csv(texts)
    frame["Ticker"] = [f"T{i // 3 % 5}" for i in range(len(frame))]
    frame.to_csv(texts, index=False)
    out = tmp_path / "data"
    options = ("--split", "grouped", "--by", "Ticker", "--shares", "0.6,0.2,0.2")
    told = finstrat("model", "prepare", texts, "--out", out, *options)
    assert told.code == 0, told
    parts = [set(pd.read_parquet(out / f"{name}.parquet")["asset"]) for name in ("train", "test")]
    assert parts[0]
    assert not parts[0] & parts[1]


@pytest.mark.parametrize(
    ("options", "added", "message"),
    [
        (("--label-column", "mood"), None, "no column mood"),
        (("--text", "title"), "title", "a column is called text that isn't meant"),
        (("--label-column", "mood"), "mood", "a column is called label that isn't meant"),
        ((), "file", "a column is called file that isn't meant"),
    ],
)
def test_columns_that_could_be_mistaken_are_refused(refused, texts, options, added, message):
    if added:
        frame = pd.read_csv(texts)
        frame.assign(**{added: frame["label"]}).to_csv(texts, index=False)
    out = texts.parent / "data"
    assert message in refused(3, "model", "prepare", texts, "--out", out, *options)
    assert not out.exists()
