"""Jobs that are killed, and two at once: the file of scores must come out the same."""

import json
import random
import signal
import time

import pandas as pd
import pytest

KILLS = 50
ROWS = 10_000

PROJECT = '[project]\nname = "killed"\nplugins = ["plugins"]\n'

# The real lexicon, writing down each text before it can be kept, and about as slow as a small model
# on a GPU: otherwise nearly every kill would fall into reading or writing.
PLUGIN = """
import json
import os
import time

import finstrat
from finstrat.text import text_key
from finstrat_plugins.scorers.lexicon import LoughranMcDonald


class Logged(LoughranMcDonald):
    name = "logged-lexicon"

    def score(self, texts):
        scores = super().score(texts)
        call = {"process": os.getpid(), "texts": [text_key(text).hex()[:16] for text in texts]}
        with open("calls.jsonl", "a") as file:
            file.write(json.dumps(call) + "\\n")
        time.sleep(len(texts) / 12_000)
        return scores


@finstrat.hookimpl
def finstrat_components():
    return [Logged]
"""

# What `finstrat score` does, its output in a file.
JOB = """
import os
import sys

os.chdir(project)
sys.stdout = sys.stderr = open("output.txt", "a")
sys.argv = ["finstrat", "score", "texts.csv", "--scorer", scorer, "--out", out]
from finstrat.cli import main

main()
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "logged.py").write_text(PLUGIN)
    (tmp_path / "finstrat.toml").write_text(PROJECT)
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


@pytest.fixture
def job(forked, project):
    """Starts `finstrat score` in the project, in a process of its own."""

    def start(scorer="logged-lexicon", out="scores.parquet"):
        return forked(project / "job.py", project=str(project), scorer=scorer, out=out)

    return start


def finish(process, project):
    process.join()
    assert process.exitcode == 0, (project / "output.txt").read_text()


def wait_for_work(process, project):
    """Until the job has opened its unfinished file, which is when reading and scoring begin."""
    while process.is_alive() and not list(project.glob(".scores.parquet.*.part")):
        time.sleep(0.002)


def tweets(shared_data, rows):
    table = pd.read_parquet(shared_data / "stocknet/tweets.parquet", columns=["id", "text"])
    return table.head(rows)


def scored_twice_without_need(calls):
    """Texts that were scored again although an earlier call had finished with them.

    The last call of a process is the one that may have been in flight when it was killed.
    """
    last = {call["process"]: place for place, call in enumerate(calls)}
    finished, again = set(), []
    for place, call in enumerate(calls):
        again += [text for text in call["texts"] if text in finished]
        if last[call["process"]] != place:
            finished.update(call["texts"])
    return again


@pytest.mark.slow
def test_a_job_killed_at_50_random_points_and_resumed_writes_the_same_bytes(
    job, project, shared_data
):
    tweets(shared_data, ROWS).to_csv(project / "texts.csv", index=False)
    finish(job(), project)  # the first also starts the server
    (project / ".finstrat" / "scores.sqlite").unlink()
    process = job()
    wait_for_work(process, project)
    begun = time.monotonic()
    finish(process, project)
    unbroken, seconds = (project / "scores.parquet").read_bytes(), time.monotonic() - begun
    chance = random.Random(2024)
    partial = 0
    for trial in range(KILLS):
        for path in (*project.glob(".finstrat/*"), *project.glob("scores.*")):
            path.unlink()
        (project / "calls.jsonl").write_text("")
        killed = job()
        if trial % 5:  # every fifth is killed anywhere, most likely before its work begins
            wait_for_work(killed, project)
        time.sleep(chance.uniform(0, seconds))
        killed.kill()
        killed.join()
        assert killed.exitcode in {0, -signal.SIGKILL}
        # Nothing half-written under the final name.
        if (project / "scores.parquet").exists():
            assert (project / "scores.parquet").read_bytes() == unbroken
        before = (project / "calls.jsonl").read_text().count("\n")
        finish(job(), project)
        assert (project / "scores.parquet").read_bytes() == unbroken
        calls = [json.loads(line) for line in (project / "calls.jsonl").read_text().splitlines()]
        partial += 0 < before < len(calls)
        assert scored_twice_without_need(calls) == []
        assert list(project.glob(".*.part")) == []
    # The points must lie within the work itself, not all before or after it.
    assert partial >= 5


@pytest.mark.slow
def test_a_model_job_killed_again_and_again_writes_the_same_bytes(job, project, shared_data):
    tweets(shared_data, 600).to_csv(project / "texts.csv", index=False)
    finish(job("minilm-sentiment"), project)
    unbroken = (project / "scores.parquet").read_bytes()
    for path in (*project.glob(".finstrat/*"), *project.glob("scores.*")):
        path.unlink()
    chance = random.Random(7)
    for _ in range(4):
        killed = job("minilm-sentiment")
        time.sleep(chance.uniform(0.5, 4.0))
        killed.kill()
        killed.join()
    finish(job("minilm-sentiment"), project)
    assert (project / "scores.parquet").read_bytes() == unbroken


def test_two_jobs_share_one_cache_and_write_the_same_scores(job, project, shared_data):
    tweets(shared_data, 5_000).to_csv(project / "texts.csv", index=False)
    both = [job(out="one.parquet"), job(out="two.parquet")]
    for process in both:
        finish(process, project)
    assert (project / "one.parquet").read_bytes() == (project / "two.parquet").read_bytes()
    finish(job(out="three.parquet"), project)
    assert (project / "three.parquet").read_bytes() == (project / "one.parquet").read_bytes()


def test_two_jobs_that_write_the_same_file_leave_one_whole_file(job, project, shared_data):
    tweets(shared_data, 2_000).to_csv(project / "texts.csv", index=False)
    both = [job(), job()]
    for process in both:
        finish(process, project)
    assert len(pd.read_parquet(project / "scores.parquet")) == 2_000
    assert list(project.glob(".*.part")) == []
