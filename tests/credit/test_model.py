import numpy as np
import pandas as pd
import pytest

from finstrat.credit.bands import bands
from finstrat.credit.borrowers import Borrowers, Columns, borrowers
from finstrat.credit.calibration import calibrate
from finstrat.credit.encoding import learn_encoding
from finstrat.credit.families import candidates, fit_machine
from finstrat.credit.model import CreditScorecard, load_scorecard, row_hashes
from finstrat.credit.reasons import typical_values
from finstrat.errors import DataError


@pytest.fixture(scope="module", params=["logistic", "svm", "forest", "boosting"])
def scorecard(request, known):
    candidate = candidates(request.param)[0]
    encoding = learn_encoding(candidate.encoding, known.features, known.defaulted)
    rows = encoding.matrix(known.features)
    machine = fit_machine(candidate, rows, known.defaulted, seed=0)
    return CreditScorecard(
        columns=Columns(
            target="outcome", bad="bad", entity="name", features=("debt", "age", "job")
        ),
        encoding=encoding,
        machine=machine,
        calibration=calibrate(machine.margin(rows), known.defaulted),
        edges=(0.05, 0.2),
        typical=typical_values(known.features),
        seen=row_hashes(known.features),
        judged=pd.DataFrame({"entity": known.entity, "defaulted": known.defaulted}),
        card={"name": "loans"},
    )


def test_saved_model_gives_the_same_bits(scorecard, known, tmp_path):
    scorecard.save(tmp_path / "model")
    again = load_scorecard(tmp_path / "model")
    np.testing.assert_array_equal(
        again.probability(known.features), scorecard.probability(known.features)
    )
    assert again.columns == scorecard.columns
    assert again.edges == scorecard.edges
    assert again.judged.equals(scorecard.judged)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.json",
        "judged.parquet",
        "model.json",
        "model.safetensors",
    ]


def test_nothing_is_overwritten_and_nothing_half_written_is_left(scorecard, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(DataError, match="exists already"):
        scorecard.save(tmp_path / "model")
    spoilt = CreditScorecard(**{**vars(scorecard), "card": {"name": float("nan")}})
    with pytest.raises(ValueError, match="JSON"):
        spoilt.save(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["card.json", "model.json", "model.safetensors", "judged.parquet"])
def test_damaged_model_is_refused(scorecard, tmp_path, name):
    scorecard.save(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(b"{")
    with pytest.raises(DataError, match="expected a credit model"):
        load_scorecard(tmp_path / "model")


def test_assessment_holds_probability_band_and_reasons(scorecard, known):
    found = scorecard.assess(known.rows(np.arange(600) < 5), where="t")
    assert list(found.columns) == ["entity", "probability", "band", "reasons"]
    chance = found["probability"].to_numpy()
    assert found["band"].tolist() == bands(chance, scorecard.edges)
    assert any("debt" in reason for row in found["reasons"] for reason in row)


def test_borrower_of_whom_nothing_is_known_has_no_probability(scorecard):
    nothing = Borrowers(
        pd.DataFrame({"debt": [np.nan], "age": [np.nan], "job": pd.Series([None], dtype=object)}),
        None,
        np.array(["X"], dtype=object),
        None,
    )
    (row,) = scorecard.assess(nothing, where="t").to_dict("records")
    assert np.isnan(row["probability"])
    assert row["band"] == ""
    assert row["reasons"] == ["nothing is known of this borrower"]


def test_other_columns_and_another_order_change_nothing(scorecard, known, loans):
    mixed = loans[["job", "outcome", "age", "name", "debt"]].assign(more=1.0)
    found = borrowers(mixed, Columns(features=scorecard.features), where="t")
    np.testing.assert_array_equal(
        scorecard.probability(scorecard.fitting(found, where="t")),
        scorecard.probability(known.features),
    )


def test_table_without_a_column_is_refused(scorecard, loans):
    found = borrowers(loans[["age", "job"]], Columns(), where="t")
    with pytest.raises(DataError, match="t: no column debt"):
        scorecard.assess(found, where="t")


def test_text_where_the_model_learnt_numbers_is_refused(scorecard, loans):
    worded = loans.head(2).assign(debt=["low", "high"])
    found = borrowers(worded, Columns(features=scorecard.features), where="t")
    with pytest.raises(DataError, match=r"debt holds text \('low'\); the model was trained on"):
        scorecard.assess(found, where="t")


def test_categories_never_seen_are_counted(scorecard, known):
    strange = known.features.head(3).assign(job=pd.Series(["fixed", "pirate", None], dtype=object))
    assert scorecard.unfamiliar(strange) == {"job": 1}


def test_hash_of_a_row_is_of_its_content_alone(known):
    hashes = row_hashes(known.features)
    assert len(set(hashes.tolist())) == len(known)
    np.testing.assert_array_equal(row_hashes(known.features.iloc[::-1])[::-1], hashes)
