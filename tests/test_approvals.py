import json
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict

import pytest

from finstrat.approvals import START, Approvals
from finstrat.errors import ConfigError, DataError


@pytest.fixture
def log(tmp_path):
    return Approvals(tmp_path / "state" / "approvals.sqlite")


def approve(log, sha256="a" * 64, **told):
    told = {"artefact": "targets", "by": "Ada", "reason": "checked", **told}
    return log.record(told.pop("decision", "approved"), sha256=sha256, **told)


@pytest.fixture
def filled(log):
    for i in range(3):
        approve(log, sha256=str(i) * 64, reason=f"reason number {i}")
    return log


def test_no_log_is_in_order_and_empty(log):
    found = log.verify()
    assert (found.entries, found.head, found.problems) == (0, START, ())
    assert log.entries() == []
    assert not log.path.exists()


def test_entries_are_chained_from_the_first(filled):
    entries = filled.entries()
    assert [each.number for each in entries] == [1, 2, 3]
    assert [each.previous for each in entries] == [START, entries[0].hash, entries[1].hash]
    found = filled.verify()
    assert (found.entries, found.head, found.problems) == (3, entries[2].hash, ())


def test_the_last_decision_on_an_artefact_counts(log):
    approve(log)
    assert log.latest("a" * 64).decision == "approved"
    approve(log, decision="rejected")
    assert log.latest("a" * 64).decision == "rejected"
    assert log.latest("b" * 64) is None


@pytest.mark.parametrize("told", [{"by": " "}, {"reason": ""}])
def test_a_decision_has_a_name_and_a_reason(log, told):
    with pytest.raises(ConfigError, match="is empty"):
        approve(log, **told)
    assert not log.path.exists()


def test_every_byte_of_the_log_and_its_witness_is_guarded(filled):
    for file in (filled.path, filled.witness):
        whole = file.read_bytes()
        # Every third place that holds something, and some that are empty.
        places = [i for i, byte in enumerate(whole) if byte or i % 97 == 0]
        for place in places[::3]:
            changed = bytearray(whole)
            changed[place] ^= 0x01
            file.write_bytes(changed)
            assert filled.verify().problems, (file.name, place)
        file.write_bytes(whole)
    assert filled.verify().problems == ()


def rewrite(log, *statements):
    """Change the log as someone with a database tool would, guards taken away and put back."""
    connection = sqlite3.connect(log.path)
    guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    guards = guards.fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, text in guards:
        connection.execute(text)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET by = 'Eve' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM entries WHERE number = 1", "entry 1 is missing"),
        ("DELETE FROM entries WHERE number = 3", "the last 1 of 3 entries are gone"),
        ("DELETE FROM entries", "the last 3 of 3 entries are gone"),
        ("UPDATE entries SET number = number + 1 WHERE number = 3", "entry 3 is missing"),
        ("CREATE TABLE more (x)", "tables or guards were changed"),
    ],
)
def test_changed_entries_are_found(filled, statement, said):
    rewrite(filled, statement)
    assert any(said in problem for problem in filled.verify().problems)
    with pytest.raises(DataError, match="nothing was entered"):
        approve(filled)


def test_an_entry_made_anew_with_its_hash_is_found_by_the_next_and_by_the_witness(filled):
    last = filled.entries()[-1]
    forged = type(last)(**{**asdict(last), "by": "Eve"})
    forged = type(last)(**{**asdict(forged), "hash": forged.expected_hash()})
    rewrite(filled, f"UPDATE entries SET by = 'Eve', hash = '{forged.hash}' WHERE number = 3")
    assert filled.verify().problems == ("entry 3 is not the one that approvals.witness.json names",)


def test_removed_files_are_found(filled):
    kept = filled.witness.read_bytes()
    filled.witness.unlink()
    assert filled.verify().problems == ("approvals.witness.json is gone",)
    filled.witness.write_bytes(kept)
    filled.path.unlink()
    assert filled.verify().problems == ("the log is gone; its witness is here",)


def test_a_log_set_back_with_its_witness_is_found_only_by_a_head_noted_elsewhere(filled, tmp_path):
    shutil.copytree(filled.path.parent, tmp_path / "older")
    noted = approve(filled).hash
    shutil.rmtree(filled.path.parent)
    shutil.copytree(tmp_path / "older", filled.path.parent)
    assert filled.verify().problems == ()
    assert filled.verify(head=noted).problems == (f"no entry has the hash {noted} that was noted",)


def test_the_log_refuses_changes_by_itself(filled):
    with (
        sqlite3.connect(filled.path) as connection,
        pytest.raises(sqlite3.Error, match="only grows"),
    ):
        connection.execute("DELETE FROM entries")


def test_an_entry_newer_than_the_witness_is_no_tampering(filled):
    stale = filled.witness.read_bytes()
    approve(filled)
    filled.witness.write_bytes(stale)
    found = filled.verify()
    assert found.problems == ()
    assert "newer than" in found.note
    approve(filled)
    assert filled.verify().note == ""


WRITER = """
    import sys
    from pathlib import Path
    from finstrat.approvals import Approvals
    log = Approvals(Path(sys.argv[1]))
    while True:
        entry = log.record("approved", artefact="t", sha256="a" * 64, by="Ada", reason="r")
        print(entry.hash, flush=True)
"""


def start(log):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(log.path)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_writers_killed_at_random_points_lose_no_approval(log):
    random.seed(11)
    acknowledged = set()
    for _ in range(25):
        writers = [start(log) for _ in range(2)]
        writers[0].stdout.readline()
        time.sleep(random.random() * 0.05)
        for each in writers:
            each.kill()
        acknowledged |= {
            line.strip()
            for each in writers
            for line in each.communicate()[0].splitlines()
            if len(line.strip()) == 64
        }
        assert log.verify().problems == ()
    assert len(acknowledged) > 25
    assert acknowledged <= {each.hash for each in log.entries()}
    assert json.loads(log.witness.read_text())["entries"] > 0
