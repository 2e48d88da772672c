"""Parts hold every text once, share no near copy, and what is left out is counted."""

import json

import numpy as np
import pandas as pd
import pytest

from finstrat.errors import DataError
from finstrat.models.labelled import Columns, moments, read_texts, require_apart
from finstrat.models.prepare import Plan, prepare
from finstrat.text.near import near_groups
from finstrat.validate.text_splits import Shares

COLUMNS = Columns()
THIRDS = Shares(0.5, 0.25, 0.25)
PLACES = ("Oslo", "Turin", "Lyon", "Porto", "Gdansk", "Leeds", "Ghent", "Malaga", "Brno", "Split")
EVENTS = {
    "positive": ("A large order came from {}", "Sales of the {} branch rose sharply"),
    "negative": ("The plant in {} was closed", "A lawsuit over {} widened our loss"),
}


def rows():
    return [
        {"text": template.format(place), "label": label, "asset": place, "year": 2001 + number}
        for label, templates in EVENTS.items()
        for template in templates
        for number, place in enumerate(PLACES)
    ]


def written(folder, table, name="data.csv"):
    frame = pd.DataFrame(table)
    if name.endswith(".csv"):
        frame.to_csv(folder / name, index=False)
    elif name.endswith(".parquet"):
        frame.to_parquet(folder / name)
    else:
        frame.to_json(folder / name, orient="records", lines=True)
    return folder / name


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl", "data.parquet"])
def test_any_kind_of_file_gives_the_same_parts(tmp_path, name):
    made = prepare([written(tmp_path, rows(), name)], Plan(similarity=1.0), columns=COLUMNS)
    texts = [text for part in made.parts.values() for text in part["text"]]
    assert sorted(texts) == sorted(each["text"] for each in rows())
    assert made.report["classes"] == ["negative", "positive"]
    assert {name: part["n"] for name, part in made.report["parts"].items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }


def test_no_near_copy_stands_in_two_parts(tmp_path):
    plan = Plan("grouped", by="asset", shares=THIRDS)
    made = prepare([written(tmp_path, rows())], plan, columns=COLUMNS)
    texts, part = [], []
    for name, each in made.parts.items():
        texts += list(each["text"])
        part += [name] * len(each)
    groups = near_groups(texts)
    assert all(len(set(np.array(part)[groups == group])) == 1 for group in set(groups))
    # groups of "… came from {place}" reach over all assets: what followed in a later part went
    assert made.report["counts"]["near_copies_across_parts"] == 40 - len(texts) > 0


def test_copies_count_once_and_disputed_labels_not_at_all(tmp_path):
    table = [*rows(), rows()[0], {**rows()[1], "label": "negative"}, {"text": " ", "label": "x"}]
    found, counts = read_texts([written(tmp_path, table)], task="classification")
    assert counts == {"rows": 43, "empty": 1, "conflicting": 2, "duplicates": 1}
    assert len(found) == 39
    assert rows()[1]["text"] not in set(found["text"])


def test_rows_without_a_label_are_kept_apart_and_not_near_what_is_judged(tmp_path):
    labelled = prepare([written(tmp_path, rows())], Plan(similarity=0.95), columns=COLUMNS)
    tested = labelled.parts["test"]["text"].iloc[0]
    table = [*rows(), {"text": f"{tested}!"}, {"text": "The committee meets on Thursday"}]
    plan = Plan(similarity=0.9)
    made = prepare([written(tmp_path, table)], plan, columns=COLUMNS)
    assert "label" not in made.parts["unlabelled"]
    assert "The committee meets on Thursday" in set(made.parts["unlabelled"]["text"])
    judged = {*made.parts["validation"]["text"], *made.parts["test"]["text"]}
    assert not {f"{text}!" for text in judged} & set(made.parts["unlabelled"]["text"])


def test_texts_alone_are_divided_too(tmp_path):
    table = [{"text": each["text"]} for each in rows()]
    made = prepare([written(tmp_path, table)], Plan(similarity=1.0), columns=COLUMNS)
    assert sum(len(part) for part in made.parts.values()) == 40
    assert "label" not in made.parts["train"]


def test_by_time_the_report_tells_the_periods(tmp_path):
    plan = Plan("time", by="year", shares=THIRDS, similarity=1.0)
    told = prepare([written(tmp_path, rows())], plan, columns=COLUMNS).report["parts"]
    assert (told["train"]["last"], told["validation"]["first"]) == ("2005-12-31", "2006-12-31")
    assert told["validation"]["last"] < told["test"]["first"]


def test_regression_learns_numbers_of_every_size_in_every_part(tmp_path):
    table = [{**each, "label": number} for number, each in enumerate(rows())]
    plan = Plan(shares=THIRDS, similarity=1.0)
    made = prepare([written(tmp_path, table)], plan, task="regression", columns=COLUMNS)
    for part in made.parts.values():
        assert part["label"].dtype == np.float64
        assert part["label"].min() < 8
        assert part["label"].max() >= 32
    assert "labels" in made.report["parts"]["train"]


def test_saved_report_is_the_report(tmp_path):
    made = prepare([written(tmp_path, rows())], Plan(similarity=1.0), columns=COLUMNS)
    made.save(tmp_path)
    assert json.loads((tmp_path / "data.json").read_text()) == made.report
    assert len(pd.read_parquet(tmp_path / "train.parquet")) == made.report["parts"]["train"]["n"]


def refusal(tmp_path, table, *, plan=None, **how):
    with pytest.raises(DataError) as caught:
        prepare(
            [written(tmp_path, table)], plan or Plan(), columns=how.pop("columns", COLUMNS), **how
        )
    return str(caught.value)


def test_one_class_and_a_rare_class_are_refused(tmp_path):
    assert "two or more classes" in refusal(tmp_path, rows()[:20])
    told = refusal(tmp_path, [*rows(), {"text": "It rains", "label": "weather"}])
    assert 'label "weather": expected at least 5 texts, got 1' in told


def test_numbers_as_classes_are_refused_until_they_are_named(tmp_path):
    table = [{**each, "label": int(each["label"] == "positive")} for each in rows()]
    assert "--label 0=NAME --label 1=NAME" in refusal(tmp_path, table)
    named = Columns(names={"0": "negative", "1": "positive"})
    made = prepare([written(tmp_path, table)], Plan(similarity=1.0), columns=named)
    assert made.report["classes"] == ["negative", "positive"]
    table[7]["label"] = 2
    assert "row 8: label '2' isn't among those named" in refusal(tmp_path, table, columns=named)


def test_names_in_a_regression_are_refused_with_their_row(tmp_path):
    assert "row 1: label 'positive' is no finite number" in refusal(
        tmp_path, rows(), task="regression"
    )


def test_an_empty_part_and_a_missing_group_are_refused(tmp_path):
    plan = Plan("grouped", by="label", shares=THIRDS, similarity=1.0)
    assert "part test is empty" in refusal(tmp_path, rows(), plan=plan)
    assert 'did you mean "asset"' in refusal(tmp_path, rows(), plan=Plan("grouped", by="assets"))
    table = rows()
    del table[3]["asset"]
    told = refusal(tmp_path, table, plan=Plan("grouped", by="asset"))
    assert "data.csv: row 4: asset is missing" in told


def test_a_time_that_is_none_is_refused_with_its_row(tmp_path):
    table = rows()
    table[2]["year"] = "soon"
    told = refusal(tmp_path, table, plan=Plan("time", by="year"))
    assert "data.csv: row 3: year 'soon' is no date" in told
    frame, _ = read_texts([tmp_path / "data.csv"], task="classification")
    assert moments(frame.drop(columns="year")) is None


def test_a_text_of_both_sides_is_named():
    require_apart(["a"], ["b"], where="test")
    with pytest.raises(DataError, match="1 of 2 texts are in the training data too, like 'a'"):
        require_apart(["a"], ["a", "b"], where="test")
