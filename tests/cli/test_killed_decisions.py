"""Targets killed at any moment leave whole files or none, and approvals stay."""

import hashlib
import json
import os
import random
import subprocess
import sys
import time

import pytest

RUN = "from finstrat.cli import main; main()"


def start(project, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_killed_targets_leave_no_half_written_artefact_and_lose_no_approval(finstrat, project):
    random.seed(3)
    wanted = ("targets", "small", "--asof", "2024-03-11", "--out", "targets.json")
    began = time.monotonic()
    assert start(project, *wanted).wait() == 0
    took = time.monotonic() - began
    approved = json.loads((project / "targets.json").read_text())["artefact"]
    assert finstrat("approve", approved, "--by", "Ada", "--reason", "checked").code == 0
    whole = (project / ".finstrat/artefacts" / f"{approved}.json").read_bytes()
    for i in range(5):
        (project / "targets.json").unlink(missing_ok=True)
        day = f"2024-03-{5 + i % 4:02}"
        process = start(project, *wanted[:3], day, *wanted[4:])
        time.sleep(took * random.uniform(0.5, 1.1))
        process.kill()
        process.wait()
        if (project / "targets.json").exists():
            assert json.loads((project / "targets.json").read_text())["content"]["as_of"] == day
        for file in (project / ".finstrat/artefacts").glob("[!.]*"):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    assert (project / ".finstrat/artefacts" / f"{approved}.json").read_bytes() == whole
    assert finstrat("log", "verify").code == 0
    assert finstrat(*wanted[:4]).out.startswith("approved by Ada")
