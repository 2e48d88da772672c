"""A smaller or exported model keeps its card and cutoff, and is scored like any other."""

import json

import pandas as pd
import pytest

ABOUT = """
summary = "a sample"
training_data = ["financial tweets"]
licence = "MIT"
training_cutoff = 2022-08-30
cutoff_reason = "chosen"
"""
RECOVER = ("--epochs", 1, "--texts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shared_data, finstrat):
    """A head on MiniLM, taught 60 real tweets; 60 others to judge by, 40 more to recover on.

    Those are posts of 2014, without a label; `later` has them as if they were ten years younger.
    """
    folder = tmp_path_factory.mktemp("compress")
    (folder / "about.toml").write_text(ABOUT)
    labelled = pd.read_parquet(shared_data / "sentiment/twitter_financial_news_train.parquet")
    drawn = labelled.groupby("label").sample(40, random_state=0)
    drawn.groupby("label").head(20).to_parquet(folder / "train.parquet", index=False)
    drawn.groupby("label").tail(20).to_parquet(folder / "judge.parquet", index=False)
    posts = pd.read_parquet(shared_data / "stocknet/tweets.parquet")
    posts = posts[posts["created_at"] < "2014-03-01"].drop_duplicates("text")
    posts = posts.head(40)
    posts.to_parquet(folder / "posts.parquet", index=False)
    later = posts["created_at"] + pd.DateOffset(years=10)
    posts.assign(created_at=later).to_parquet(folder / "later.parquet", index=False)
    posts[["text"]].to_parquet(folder / "undated.parquet", index=False)
    ended = finstrat(
        *("model", "head", folder / "train.parquet", "--about", folder / "about.toml"),
        *("--out", folder / "head"),
    )
    assert ended.code == 0, ended
    return folder


@pytest.mark.slow
def test_an_export_is_measured_and_keeps_the_card(finstrat, folder):
    out = folder / "exported"
    ended = finstrat(
        *("model", "export", folder / "head", "--data", folder / "judge.parquet"),
        *("--out", out, "--json"),
    )
    assert ended.code == 0, ended
    assert ended.json["largest_difference_in_fp32"] < 1e-5
    card = json.loads((out / "card.json").read_text())
    assert card["training_cutoff"] == "2022-08-30"
    assert card["export"]["after"]["n"] == 60
    assert set(card["files"]) == {"model.onnx"}
    assert "cross_validation" not in card


@pytest.mark.slow
def test_an_export_to_int8_is_a_quarter_of_the_size_and_says_what_it_changed(finstrat, folder):
    out = folder / "rounded"
    ended = finstrat(
        *("model", "export", folder / "head", "--data", folder / "judge.parquet"),
        *("--out", out, "--int8", "--changed", 0.1, "--json"),
    )
    assert ended.code == 0, ended
    told = ended.json
    assert 0 <= told["answers_changed_by_int8"] <= 0.1
    assert told["largest_difference_in_fp32"] < 1e-5 < told["largest_difference"]
    assert told["after"]["bytes"] < told["before"]["bytes"] / 3
    assert sorted(each.name for each in out.iterdir()) == [
        "card.json", "model.onnx", "tokenizer.json",
    ]  # fmt: skip


@pytest.mark.slow
def test_an_export_that_differs_leaves_nothing(refused, folder):
    told = refused(
        3, "model", "export", folder / "head", "--data", folder / "judge.parquet",
        "--out", folder / "never", "--tolerance", 0,
    )  # fmt: skip
    assert "moves a probability" in told
    assert not list(folder.glob("*never*"))


@pytest.mark.parametrize(
    ("method", "texts", "cutoff"),
    [
        ("int8", None, "2022-08-30"),
        pytest.param("prune", "posts", "2022-08-30", marks=pytest.mark.slow),
        pytest.param("heads", "later", "2024-01-02", marks=pytest.mark.slow),
        pytest.param("distil", "undated", None, marks=pytest.mark.slow),
    ],
)
def test_a_smaller_model_is_judged_by_name_and_says_what_was_done(
    finstrat, folder, method, texts, cutoff
):
    more = (*RECOVER, folder / f"{texts}.parquet") if texts else ()
    ended = finstrat(
        *(
            "model",
            "compress",
            folder / "head",
            "--method",
            method,
            "--data",
            folder / "judge.parquet",
        ),
        *("--out", folder / method, *more),
    )
    assert ended.code == 0, ended
    told = finstrat("model", "card", folder / method, "--json").json
    assert told["training_cutoff"] == cutoff
    assert told["compression"]["settings"]["method"] == method
    assert told["compression"]["after"]["bytes"] < told["compression"]["before"]["bytes"]
    judged = finstrat("model", "evaluate", folder / method, folder / "judge.parquet", "--json")
    assert judged.code == 0, judged
    assert not list(folder.glob(".*training"))
