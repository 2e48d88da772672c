"""`finstrat model tune` goes on when it was killed, and tells a tracker what it does."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from functools import partial

import pytest

pytest.importorskip("peft")
pytest.importorskip("accelerate")

RUN = "from finstrat.cli import main; main()"
ABOUT = """
summary = "a sample"
training_data = ["sentences"]
licence = "Apache-2.0"
training_cutoff = 2026-01-01
cutoff_reason = "written then"
"""
SAID = {
    "negative": "The loss widened to {} million.",
    "neutral": "The meeting is in room {}.",
    "positive": "Profit rose to {} million.",
}


@pytest.fixture
def folder(tmp_path):
    rows = [f"{text.format(n)},{label}" for n in range(16) for label, text in SAID.items()]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]))
    (tmp_path / "about.toml").write_text(ABOUT)
    return tmp_path


def started(folder, out, *more):
    call = ["model", "tune", folder / "texts.csv", "--about", folder / "about.toml"]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, (*call, "--out", folder / out, *more))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def assert_same_files(folder, one, other):
    names = sorted(each.name for each in (folder / one).iterdir())
    assert sorted(each.name for each in (folder / other).iterdir()) == names
    for name in names:
        assert (folder / one / name).read_bytes() == (folder / other / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_killed_tuning_goes_on_and_ends_with_the_same_weights(folder, method):
    start = partial(started, folder)
    more = ("--method", method, "--epochs", 12)
    assert start("whole", *more).wait() == 0
    for _ in range(2):
        process = start("killed", *more)
        before = set(folder.glob(".killed.*.training/checkpoint-*"))
        while set(folder.glob(".killed.*.training/checkpoint-*")) <= before:
            if process.poll() is not None:
                pytest.fail("it ended before it could be killed")
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert not (folder / "killed").exists()
    assert start("killed", *more).wait() == 0
    assert_same_files(folder, "whole", "killed")
    assert not list(folder.glob(".killed*"))


def states(folder):
    """How the tries of a search stand, by its file; none where it isn't there yet."""
    for file in folder.glob(".*.training/tries.sqlite"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as tries:
            with suppress(sqlite3.OperationalError):  # its tables are being made
                return [state for (state,) in tries.execute("SELECT state FROM trials")]
    return []


@pytest.mark.slow
def test_killed_search_goes_on_after_its_ended_tries_and_ends_with_the_same_model(folder):
    pytest.importorskip("optuna")
    held = [f"{text.format(n)},{label}" for n in (20, 21) for label, text in SAID.items()]
    (folder / "held.csv").write_text("\n".join(["text,label", *held]))
    (folder / "space.toml").write_text(
        "[search]\nlearning_rate = { low = 1e-4, high = 4e-3, log = true }\nepochs = [1, 2]\n"
    )
    more = ("--develop", folder / "held.csv", "--search", 3, "--space", folder / "space.toml")
    more += ("--size", 1, "--set", "metric=loss")
    assert started(folder, "whole", *more).wait() == 0
    process = started(folder, "killed", *more)
    while sorted(states(folder)) != ["COMPLETE", "RUNNING"]:
        if process.poll() is not None:
            pytest.fail("it ended before it could be killed")
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert states(folder) == ["COMPLETE", "RUNNING"]
    assert not (folder / "killed").exists()
    assert started(folder, "killed", *more).wait() == 0
    assert_same_files(folder, "whole", "killed")
    card = json.loads((folder / "whole" / "card.json").read_text())
    rates = {each["settings"]["learning_rate"] for each in card["search"]["each"]}
    assert len(rates) == card["search"]["tries"] == 3
    assert not list(folder.glob(".killed*"))


@pytest.mark.slow
def test_tensorboard_reads_back_the_loss_of_every_look(finstrat, folder):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    ended = finstrat(
        *("model", "tune", folder / "texts.csv", "--about", folder / "about.toml"),
        *("--out", folder / "out", "--size", 2, "--epochs", 2, "--report-to", "tensorboard"),
    )
    assert ended.code == 0, ended
    (file,) = (folder / "out.logs").rglob("events.out.tfevents.*")
    read = events.EventAccumulator(str(file))
    read.Reload()
    scalars = read.Tags()["scalars"]
    assert any("loss" in name for name in scalars), scalars


@pytest.mark.slow
def test_search_keeps_the_best_and_lists_every_try_in_the_card(finstrat, folder):
    pytest.importorskip("optuna")
    (folder / "space.toml").write_text("[search]\nlearning_rate = [1e-4, 1e-3]\n")
    call = ("model", "tune", folder / "texts.csv", "--about", folder / "about.toml", "--search", 2)
    call += ("--space", folder / "space.toml", "--out", folder / "out", "--size", 1, "--epochs", 1)
    refused = finstrat(*call)
    assert refused.code == 2
    assert "--develop" in refused.err
    held = [f"{text.format(n)},{label}" for n in (20, 21) for label, text in SAID.items()]
    (folder / "held.csv").write_text("\n".join(["text,label", *held]))
    ended = finstrat(*call, "--develop", folder / "held.csv")
    assert ended.code == 0, ended
    card = json.loads((folder / "out" / "card.json").read_text())
    assert card["search"]["tries"] == len(card["search"]["each"]) == 2
    assert "best of 2 tries (0 broken off), by the validation's macro_f1: lea" in ended.out
    best = max(card["search"]["each"], key=lambda each: each["value"] or 0)
    assert card["training"]["learning_rate"] == best["settings"]["learning_rate"]
    assert not list(folder.glob(".out*"))
