import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from finstrat.components import Section
from finstrat.credit.borrowers import Columns
from finstrat.errors import ConfigError, DataError
from finstrat.job import report_files
from finstrat.report.build import build_report
from finstrat.report.credit import verdict
from finstrat.scorecards import Recipe, affordable, credit_result, stamped, train_scorecard
from finstrat.store import load, save

COLUMNS = Columns(target="failed", entity="firm", date="day")


def firms(count, *, first_year=2010, seed=0):
    """Firms over three years; debt decides who fails."""
    rng = np.random.default_rng(seed)
    debt = np.repeat(rng.normal(size=count), 3) + 0.3 * rng.normal(size=3 * count)
    failed = rng.random(3 * count) < 1 / (1 + np.exp(1.5 - 2.0 * debt))
    return pd.DataFrame(
        {
            "firm": np.repeat([f"F{seed}-{i}" for i in range(count)], 3),
            "day": [f"{first_year + i}-12-31" for i in range(3)] * count,
            "debt": debt,
            "noise": rng.normal(size=3 * count),
            "failed": failed.astype(int),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("credit")
    firms(200).to_csv(folder / "known.csv", index=False)
    firms(150, first_year=2014, seed=1).to_csv(folder / "later.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def scorecard(folder):
    recipe = Recipe(families=("logistic",), edges=(0.05, 0.2, 0.5))
    return train_scorecard(folder / "known.csv", COLUMNS, name="firms", recipe=recipe)


def report_of(result, host):
    return build_report(result, [each.component() for each in host.all(Section)])


def test_card_says_what_it_was_trained_on_and_how_it_fared(scorecard):
    card = scorecard.card
    assert card["training_data"].startswith("known.csv: 600 rows, ")
    assert card["trained_until"] == "2012-12-31"
    assert set(card["families"]) == {"logistic"}
    assert card["cross_validation"] == card["families"]["logistic"]
    assert 0.75 < card["cross_validation"]["roc_auc"] < 1.0
    json.dumps(card, allow_nan=False)


def test_cross_validation_alone_leaves_later_borrowers_open(scorecard, host):
    report = report_of(credit_result(scorecard), host)
    assert report["kind"] == "credit"
    assert report["span"] == {"start": "2010-12-31", "end": "2012-12-31", "borrowers": 200}
    assert report["verdict"]["outcome"] == "inconclusive"
    status = {check["name"]: check["status"] for check in report["verdict"]["checks"]}
    assert status == {
        "tells risky borrowers from safe ones": "pass",
        "probabilities came true": status["probabilities came true"],
        "borrowers were new to the model": "pass",
        "holds on later borrowers": "not run",
    }
    assert [block["id"] for block in report["blocks"]] == [
        *("verdict", "credit-ranking", "credit-calibration", "credit-stability"),
        *("models", "data-quality", "provenance"),
    ]
    assert all(block["status"] != "fail" for block in report["blocks"])
    migration = next(block for block in report["blocks"] if block["id"] == "credit-stability")
    (table,) = migration["tables"]
    assert sum(row[1] for row in table["rows"]) == 400  # two moves of each of 200 firms
    assert all(sum(row[2:]) == pytest.approx(100.0, abs=0.3) for row in table["rows"])


def test_later_table_is_judged_against_the_training_rows(scorecard, folder, host):
    result = credit_result(scorecard, table=folder / "later.csv")
    report = report_of(result, host)
    status = {check["name"]: check["status"] for check in report["verdict"]["checks"]}
    assert status["holds on later borrowers"] == "pass"
    assert report["span"]["borrowers"] == 150
    figures = next(each for each in report["blocks"] if each["id"] == "credit-stability")["figures"]
    assert figures[0]["label"] == "PSI against the training rows"
    assert figures[0]["figure"]["value"] < 0.25


def test_borrowers_that_training_knew_at_another_date_are_told_apart(scorecard, folder, tmp_path):
    later = pd.read_csv(folder / "later.csv")
    half = later["firm"].isin(later["firm"].unique()[:75])
    later["firm"] = later["firm"].mask(half, later["firm"].str.replace("F1-", "F0-"))
    later.to_csv(tmp_path / "mixed.csv", index=False)
    checks = verdict(credit_result(scorecard, table=tmp_path / "mixed.csv")).checks
    (told,) = [check for check in checks if check.name == "borrowers were new to the model"]
    assert told.status == "pass"
    assert "225 of 450 are of borrowers that it knew at another date; among the others" in (
        told.evidence
    )
    later.assign(firm="F0-1").to_csv(tmp_path / "known.csv", index=False)
    checks = verdict(credit_result(scorecard, table=tmp_path / "known.csv")).checks
    assert [check.status for check in checks if check.name == told.name] == ["inconclusive"]


def test_turned_outcomes_refute_the_model(scorecard, folder, tmp_path, host):
    later = pd.read_csv(folder / "later.csv")
    later.assign(failed=1 - later["failed"]).to_csv(tmp_path / "turned.csv", index=False)
    report = report_of(credit_result(scorecard, table=tmp_path / "turned.csv"), host)
    assert report["verdict"]["outcome"] == "refuted"


def test_rows_that_training_saw_are_left_out_and_counted(scorecard, folder, tmp_path):
    both = pd.concat([pd.read_csv(folder / name) for name in ("known.csv", "later.csv")])
    both.to_csv(tmp_path / "both.csv", index=False)
    result = credit_result(scorecard, table=tmp_path / "both.csv")
    assert result.manifest["counts"]["rows_known_to_the_model"] == 600
    assert result.manifest["counts"]["rows_judged"] == 450


def test_training_table_itself_is_refused(scorecard, folder):
    with pytest.raises(DataError, match="trained on every one of its rows"):
        credit_result(scorecard, table=folder / "known.csv")


def test_stored_report_is_read_back_and_conforms_to_the_schema(scorecard, host, tmp_path, request):
    result = stamped(credit_result(scorecard), tmp_path / "runs")
    path = save(result, tmp_path / "runs", extra=report_files(result, host))
    again = load(path)
    assert again.assessments.equals(result.assessments)
    report = json.loads((path / "report.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(report_of(again, host))) == report
    schema = json.loads(
        (request.config.rootpath / "docs" / "report.schema.json").read_text("utf-8")
    )
    jsonschema.Draft202012Validator(schema).validate(report)
    page = (path / "report.html").read_text(encoding="utf-8")
    assert "200 borrowers" in page
    assert len(page) < 2_000_000


def test_hostile_names_stay_text(scorecard, folder, tmp_path, host):
    hostile = "<script>alert(1)</script>"
    card = {**scorecard.card, "name": hostile, "licence": hostile}
    named = type(scorecard)(**{**vars(scorecard), "card": card})
    page = report_files(credit_result(named), host)["report.html"].decode()
    assert hostile not in page


def test_support_vectors_are_not_tried_unasked_on_a_large_table():
    assert affordable(20_000) == ("logistic", "svm", "forest", "boosting")
    assert affordable(20_001) == ("logistic", "forest", "boosting")


def test_edges_that_do_not_rise_are_refused_before_training(folder):
    with pytest.raises(ConfigError, match="edges must rise"):
        train_scorecard(folder / "known.csv", COLUMNS, name="x", recipe=Recipe(edges=(0.5, 0.1)))


def test_two_reports_within_a_second_have_two_names(scorecard, tmp_path):
    first = stamped(credit_result(scorecard), tmp_path)
    (tmp_path / first.provenance["run_id"]).mkdir()
    assert (
        stamped(credit_result(scorecard), tmp_path).provenance["run_id"]
        != (first.provenance["run_id"])
    )
