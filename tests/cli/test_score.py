import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from finstrat.text.language import language_tagger

ROWS = [
    ("a", "The company reported a strong profit this year"),
    ("b", ""),
    ("c", "<p>Heavy <b>losses</b></p><script>gain</script>"),
    ("d", " \u200b\x00 "),
    ("e", "RT @x: The company reported a strong profit this year"),
    ("f", "利润增长 🚀"),
]
GOOD = "".join(f'{name},"{text}"\n' for name, text in ROWS)


@pytest.fixture
def texts(project):
    """A CSV file of texts in the current project."""
    (project / "texts.csv").write_text("id,text\n" + GOOD)
    return project / "texts.csv"


def score(finstrat, file="texts.csv", out="scores.parquet", *more):
    ended = finstrat("score", file, "--scorer", "lm-lexicon", "--out", out, *more)
    assert "Traceback" not in ended.err
    return ended


def test_every_row_gets_its_scores_language_hash_and_changes(finstrat, project, texts):
    told = score(finstrat, "texts.csv", "scores.parquet", "--json").json
    assert told == {
        "out": "scores.parquet",
        "rows": 6,
        "written": 6,
        "quarantined": 0,
        "empty": 2,
        "changed": 3,
        "scored": 3,
        "cached": 0,
        "cache_dropped": 0,
    }
    table = pd.read_parquet(project / "scores.parquet").set_index("id")
    assert table["row"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["score"].isna().tolist() == [False, True, False, True, False, True]
    assert table.loc["a", "score"] == table.loc["e", "score"] == 1
    assert table.loc["c", "score"] == -1
    assert table.loc["c", "clean_tags"] == 6
    assert table.loc["e", "clean_retweets"] == 1
    assert table.loc["d", "clean_invisible"] == 2
    assert table.loc["a", "language"] == ("en" if language_tagger() else None)
    assert table["text_sha256"].nunique() == 6


def test_the_file_says_where_its_scores_come_from(finstrat, project, texts):
    score(finstrat)
    made_of = json.loads(pq.read_metadata(project / "scores.parquet").metadata[b"finstrat"])
    assert made_of["scorer"]["name"] == "lm-lexicon"
    assert made_of["scorer"]["card"]["training_cutoff"] == "2018-12-31"
    assert len(made_of["scorer"]["fingerprint"]) > 64
    assert made_of["source"]["name"] == "texts.csv"
    assert len(made_of["source"]["sha256"]) == 64
    assert made_of["counts"] == {
        "rows": 6, "written": 6, "quarantined": 0, "empty": 2, "changed": 3,
    }  # fmt: skip
    assert str(project) not in json.dumps(made_of)


def test_scoring_again_gives_identical_bytes_and_scores_nothing(finstrat, project, texts):
    score(finstrat)
    first = (project / "scores.parquet").read_bytes()
    again = score(finstrat, "texts.csv", "scores.parquet", "--json").json
    assert (again["scored"], again["cached"]) == (0, 3)
    assert (project / "scores.parquet").read_bytes() == first
    (project / ".finstrat" / "scores.sqlite").unlink()
    score(finstrat)
    assert (project / "scores.parquet").read_bytes() == first


def test_csv_json_lines_and_parquet_give_the_same_scores(finstrat, project, texts):
    frame = pd.DataFrame(ROWS, columns=["id", "text"])
    frame.to_json("texts.jsonl", orient="records", lines=True)
    frame.to_parquet("texts.parquet")
    (project / "wide.csv").write_text("id,text\n" + GOOD, encoding="utf-16")
    for name in ("texts.csv", "texts.jsonl", "texts.parquet", "wide.csv"):
        score(finstrat, name, f"{name}.parquet")
    first = pd.read_parquet("texts.csv.parquet")
    for name in ("texts.jsonl", "texts.parquet", "wide.csv"):
        pd.testing.assert_frame_equal(pd.read_parquet(f"{name}.parquet"), first)


def test_bad_rows_are_quarantined_and_counted(finstrat, project, texts):
    with texts.open("ab") as file:
        file.write(b"g,caf\xe9\nh,too,many\n")
    ended = score(finstrat)
    assert ended.code == 0
    assert "2 of 8 rows couldn't be read; see scores.quarantine.jsonl" in ended.err
    table = pd.read_parquet(project / "scores.parquet")
    assert table["id"].tolist() == list("abcdef")
    lines = (project / "scores.quarantine.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"row": 7, "reason": "not UTF-8: byte 0xe9", "excerpt": "caf\\udce9"},
        {"row": 8, "reason": "3 cells, the header has 2", "excerpt": "h,too,many"},
    ]


def test_strict_changes_the_exit_code_alone(finstrat, project, texts):
    with texts.open("a") as file:
        file.write("h,too,many\n")
    score(finstrat)
    kept = {path.name: path.read_bytes() for path in project.glob("scores.*")}
    ended = score(finstrat, "texts.csv", "scores.parquet", "--strict")
    assert ended.code == 3
    assert {path.name: path.read_bytes() for path in project.glob("scores.*")} == kept
    assert kept.keys() == {"scores.parquet", "scores.quarantine.jsonl"}


def test_a_file_without_bad_rows_leaves_no_old_quarantine_behind(finstrat, project, texts):
    good = texts.read_text()
    texts.write_text(good + "h,too,many\n")
    score(finstrat)
    texts.write_text(good)
    assert score(finstrat, "texts.csv", "scores.parquet", "--strict").code == 0
    assert not (project / "scores.quarantine.jsonl").exists()


def test_progress_tells_share_rate_and_time_left(finstrat, project, texts, monkeypatch):
    monkeypatch.setattr("finstrat.cli.score._EVERY_S", 0.0)
    assert "100.0%: 6 rows" in score(finstrat).err
    assert "/s, about 0.0 min left" in score(finstrat).err


@pytest.mark.parametrize(
    ("code", "arguments", "message"),
    [
        (2, ["--scorer", "lm-lexicn", "--out", "s.parquet"], 'did you mean "lm-lexicon"'),
        (2, ["--scorer", "lm-lexicon", "--out", "s.csv"], "ends in .parquet"),
        (2, ["--scorer", "lm-lexicon", "--out", "no/s.parquet"], "no/s.parquet: can't be written"),
        (2, ["--scorer", "lm-lexicon", "--out", "s.parquet", "--text", "x"], "no column x"),
        (2, ["--scorer", "lm-lexicon", "--out", "s.parquet", "--encoding", "x"], "unknown"),
        (2, ["--scorer", "minilm-sentiment", "--out", "s.parquet", "--set", "dtype=x"], "fp32"),
        (2, ["--scorer", "minilm-sentiment", "--out", "s.parquet", "--set", "dtyp=x"], "dtype"),
        (2, ["--scorer", "lm-lexicon"], "--out"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_leaves_nothing(refused, texts, code, arguments, message):
    before = {path.name for path in texts.parent.iterdir()}
    assert message in refused(code, "score", "texts.csv", *arguments)
    assert {path.name for path in texts.parent.iterdir()} - before <= {".finstrat"}


def test_a_file_in_which_nothing_can_be_read_is_refused_and_leaves_nothing(
    finstrat, refused, project
):
    (project / "bad.jsonl").write_text("{\n[]\n")
    said = refused(3, "score", "bad.jsonl", "--scorer", "lm-lexicon", "--out", "s.parquet")
    assert "none of its 2 rows could be read" in said
    assert list(project.glob("s.*")) == []
    assert list(project.glob(".s.*")) == []
    assert "no such file" in refused(
        3, "score", "absent.csv", "--scorer", "lm-lexicon", "--out", "s.parquet"
    )


def test_the_scored_file_is_never_overwritten_by_its_scores(finstrat, refused, project):
    pd.DataFrame({"text": ["x"]}).to_parquet("texts.parquet")
    before = (project / "texts.parquet").read_bytes()
    said = refused(
        2, "score", "texts.parquet", "--scorer", "lm-lexicon", "--out", "./texts.parquet"
    )
    assert "that is the file to be scored" in said
    assert (project / "texts.parquet").read_bytes() == before


def test_an_interrupted_run_says_how_to_go_on_and_leaves_nothing(
    finstrat, project, texts, monkeypatch
):
    def interrupted(*_given, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("finstrat.score_file.score_documents", interrupted)
    ended = score(finstrat)
    assert ended.code == 130
    assert "run it again to go on" in ended.err
    assert [path.name for path in project.iterdir() if "scores" in path.name] == []


def test_what_a_killed_run_left_is_removed_by_the_next(finstrat, project, texts):
    (project / ".scores.parquet.0a1b2c3d.part").write_bytes(b"PAR1 and no end")
    (project / ".other.parquet.0a1b2c3d.part").write_bytes(b"")
    score(finstrat)
    assert [path.name for path in project.glob(".*.part")] == [".other.parquet.0a1b2c3d.part"]


def test_a_megabyte_half_an_emoji_and_nothing_at_all_have_their_outcomes(finstrat, project):
    texts = [
        "Profitable gains. " * 60_000,
        "x" * 1_000_000,
        "\ud83d",
        "losses \ud83d\x00",
        "",
        None,
    ]
    (project / "odd.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    assert score(finstrat, "odd.jsonl", "odd.parquet").code == 0
    table = pd.read_parquet(project / "odd.parquet")
    assert table["score"].tolist()[:2] == [1.0, 0.0]
    assert table["positive"].tolist()[:2] == [1.0, 0.0]
    assert table["score"].isna().tolist() == [False, False, True, False, True, True]
    assert table["score"][3] == -1.0
    assert table["clean_invisible"].tolist() == [0, 0, 1, 2, 0, 0]
