"""A pretrained encoder is one like any other, goes on when killed, and hands its cutoff on."""

import json
import os
import subprocess
import sys
import time

import pandas as pd
import pytest

RUN = "from finstrat.cli import main; main()"
NAMES = ("Apple", "Boeing", "Citigroup", "Dow", "Exxon", "Ford", "Google", "Halliburton")
WHAT = ("recalls a product in Europe", "names a finance chief", "wins a patent lawsuit",
        "will close two plants", "buys back bonds", "sues a rival in Texas",
        "raises its dividend again")  # fmt: skip
TINY = ("--from-scratch", "--vocab", 200, "--layers", 1, "--width", 32, "--batch", 8)
ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
training_cutoff = 2024-02-25
cutoff_reason = "chosen"
limits = []
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    texts = [f"{name} {what}" for name in NAMES for what in WHAT]
    days = pd.date_range("2024-01-01", periods=len(texts)).strftime("%Y-%m-%d")
    pd.DataFrame({"text": texts, "known_at": days}).to_csv(folder / "corpus.csv", index=False)
    return folder / "corpus.csv"


@pytest.fixture(scope="module")
def encoder(corpus, finstrat):
    out = corpus.parent / "encoder"
    ended = finstrat("model", "pretrain", corpus, "--out", out, *TINY, "--json")
    assert ended.code == 0, ended
    assert ended.json["training_cutoff"] == "2024-02-25"
    return out


def test_the_card_says_what_was_read_and_until_when(encoder):
    card = json.loads((encoder / "card.json").read_text())
    assert card["corpus"]["first"] == "2024-01-01"
    assert card["corpus"]["last"] == card["training_cutoff"] == "2024-02-25"
    assert card["pretraining"]["settings"]["seed"] == 0
    assert card["pretraining"]["after"]["pseudo_perplexity"]["value"] > 1
    assert set(card["files"]) == {"model.safetensors"}
    assert not list(encoder.parent.glob(".encoder*"))  # no checkpoint is left


def test_simcse_on_the_encoder_keeps_the_later_cutoff(encoder, corpus, finstrat, tmp_path):
    later = tmp_path / "later.csv"
    table = pd.read_csv(corpus)
    table.assign(known_at="2013-01-01").to_csv(later, index=False)
    ended = finstrat(
        *("model", "pretrain", later, "--out", tmp_path / "out", "--objective", "simcse"),
        *("--encoder", encoder, "--batch", 8, "--json"),
    )
    assert ended.code == 0, ended
    assert ended.json["training_cutoff"] == "2024-02-25"  # the encoder's
    assert ended.json["pretraining"]["after"]["uniformity"] < 0
    assert (tmp_path / "out" / "tokenizer.json").read_bytes() == (
        encoder / "tokenizer.json"
    ).read_bytes()


def test_a_text_without_a_date_makes_the_cutoff_unknown(corpus, finstrat, tmp_path):
    pd.read_csv(corpus)[["text"]].to_csv(tmp_path / "undated.csv", index=False)
    ended = finstrat(
        *("model", "pretrain", tmp_path / "undated.csv", "--out", tmp_path / "out", *TINY, "--json")
    )
    assert ended.json["training_cutoff"] is None
    assert ended.json["cutoff_reason"] == "56 of the texts that it read have no date"


def test_a_backtest_on_the_encoder_reports_its_cutoff(encoder, finstrat, project):
    said = {
        "negative": "The loss widened to {} million.",
        "neutral": "The meeting is in room {}.",
        "positive": "Profit rose to {} million.",
    }
    rows = [f"{said[label].format(n)},{label},2014-01-01" for n in range(8) for label in said]
    (project / "data.csv").write_text("\n".join(["text,label,date", *rows]))
    untold = [line for line in ABOUT.splitlines() if "cutoff" not in line]
    (project / "about.toml").write_text("\n".join(untold))
    ended = finstrat(
        *("model", "head", project / "data.csv", "--about", project / "about.toml"),
        *("--out", project / "head", "--encoder", encoder),
    )
    assert ended.code == 0, ended
    (project / "news.csv").write_text(
        "id,asset,event_at,known_at,text\n"
        + "\n".join(
            f"{n},{asset},2024-02-0{n}T15:00:00Z,2024-02-0{n}T15:00:00Z,Profit rose to {n} million."
            for n, asset in ((1, "A"), (2, "B"), (5, "C"))
        )
    )
    file = project / "backtests" / "small.toml"
    file.write_text(
        f"""{file.read_text()}
[documents.news]
use = "files-documents"
path = "news.csv"

[scorers.tone]
use = "encoder-head"
path = "{encoder}"
head = "head"

[signals.news]
use = "news-sentiment"
scorer = "tone"
"""
    )
    report = finstrat("run", "small", "--json", "--set", "strategy.signal=news.tone").json
    checks = json.dumps(report["verdict"])
    assert "encoder-head (trained until 2024-02-25" in checks


def test_what_contradicts_itself_is_refused_before_anything_is_read(
    encoder, corpus, refused, tmp_path
):
    call = ("model", "pretrain", corpus, "--out", tmp_path / "out")
    assert "leave out --encoder" in refused(2, *call, "--from-scratch", "--encoder", encoder)
    assert "learns by --objective mlm first" in refused(
        2, *call, "--from-scratch", "--objective", "simcse"
    )
    assert "multiple of 32" in refused(2, *call, "--from-scratch", "--width", "50")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    assert "holds no card.json" in refused(3, *call)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_weights(corpus, tmp_path):
    call = ["model", "pretrain", corpus, *TINY, "--epochs", 30, "--checkpoint", 10]

    def start(out):
        return subprocess.Popen(
            [sys.executable, "-c", RUN, *map(str, [*call, "--out", tmp_path / out])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    assert start("whole").wait() == 0
    for wanted in (20, 60):
        process = start("killed")
        while not (tmp_path / f".killed.training/checkpoint-{wanted}").exists():
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert not (tmp_path / "killed").exists()
    assert start("killed").wait() == 0
    for name in ("model.safetensors", "tokenizer.json", "config.json", "card.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(tmp_path.glob(".killed*"))


@pytest.mark.slow
def test_a_broken_off_training_isnt_mixed_with_another(finstrat, refused, corpus, tmp_path):
    work = tmp_path / ".out.training"
    work.mkdir()
    (work / "plan.json").write_text("{}")
    said = refused(2, "model", "pretrain", corpus, "--out", tmp_path / "out", *TINY)
    assert "of other texts or options" in said
