import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from finstrat.ledger import Ledger, trial_of

CONFIG = {
    "name": "demo",
    "description": "",
    "declared_trials": 0,
    "seed": 0,
    "span": {"start": "2015-01-01", "end": "2016-12-31"},
    "market": {"calendar": "XNYS"},
    "signals": {"mood": {"use": "market-mood", "half_life": 5}},
}
CODE = {"signals.mood": {"name": "market-mood", "version": "1", "sha256": "00", "file": "x"}}
NET = np.array([0.01, -0.02])


def trial(*, code=None, inputs=None, assets=("A", "B"), **config):
    return trial_of(
        {**CONFIG, **config},
        components=CODE if code is None else code,
        inputs={"prices": "p"} if inputs is None else inputs,
        assets=list(assets),
    )


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "state" / "trials.sqlite")


@pytest.fixture
def recorded(ledger):
    """Enters trials, and tells how many the family of the last then has."""

    def record(*trials, outcome="ok", returns=NET):
        for each in trials:
            ledger.record(each, outcome=outcome, returns=returns)
        return ledger.family(trials[-1])["recorded"]

    return record


def test_the_same_again_adds_none(recorded, ledger):
    assert recorded(trial()) == 1
    digest = ledger.family(trial())["digest"]
    assert recorded(trial()) == 1
    assert ledger.family(trial())["digest"] == digest


@pytest.mark.parametrize(
    "told", [{"name": "other"}, {"description": "new words"}, {"declared_trials": 3}]
)
def test_what_says_nothing_of_what_was_tried_adds_none(recorded, told):
    assert recorded(trial(), trial(**told)) == 1


def test_a_file_that_moved_adds_none(recorded):
    moved = {"signals.mood": {**CODE["signals.mood"], "file": "y", "plugin": "other"}}
    assert recorded(trial(), trial(code=moved)) == 1


@pytest.mark.parametrize(
    "other",
    [
        trial(seed=1),
        trial(signals={"mood": {"use": "market-mood", "half_life": 10}}),
        trial(inputs={"prices": "q"}),
        trial(code={"signals.mood": {**CODE["signals.mood"], "sha256": "01"}}),
        trial(code={"signals.mood": {**CODE["signals.mood"], "version": "2"}}),
    ],
    ids=["seed", "option", "data", "changed file", "version"],
)
def test_whatever_could_change_the_numbers_adds_one(recorded, other):
    assert recorded(trial(), other) == 2


def test_a_failed_trial_counts_and_becomes_the_same_trial_when_it_works(recorded, ledger):
    assert recorded(trial(), trial(seed=1), outcome="ValueError: x", returns=None) == 2
    failed = ledger.family(trial())["digest"]
    assert recorded(trial(seed=1)) == 2
    assert ledger.family(trial())["digest"] != failed


def test_a_success_is_not_undone_by_a_later_failure(recorded, ledger):
    recorded(trial())
    digest = ledger.family(trial())["digest"]
    recorded(trial(), outcome="KeyboardInterrupt: ", returns=None)
    assert ledger.family(trial())["digest"] == digest


def test_a_family_shares_its_assets_in_any_order_and_its_calendar(recorded):
    assert recorded(trial(assets=("A", "B")), trial(assets=("B", "A"), seed=1)) == 2
    assert recorded(trial(assets=("A", "B", "C"))) == 1
    assert recorded(trial(market={"calendar": "XLON"})) == 1


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2016-12-31", "2018-12-31", 2),  # one common day
        ("2017-01-01", "2018-12-31", 1),  # the day after
        ("2010-01-01", "2020-12-31", 2),  # around it
        ("2010-01-01", "2014-12-31", 1),  # before it
    ],
)
def test_a_family_overlaps_in_time(recorded, start, end, count):
    assert recorded(trial(), trial(span={"start": start, "end": end})) == count


def test_trials_declared_elsewhere_count_once_and_the_largest_number_holds(recorded, ledger):
    recorded(trial(declared_trials=5), trial(seed=1, declared_trials=2))
    family = ledger.family(trial(seed=1, declared_trials=2))
    assert (family["recorded"], family["declared"], family["total"]) == (2, 5, 7)


def test_a_trial_not_yet_entered_counts_itself(ledger):
    assert ledger.family(trial())["total"] == 1


def test_rows_can_not_be_deleted(recorded, ledger):
    recorded(trial())
    with sqlite3.connect(ledger.path) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            connection.execute("DELETE FROM trials")
    connection.close()
    assert recorded(trial()) == 1


WRITER = """
import sys
import numpy as np
from pathlib import Path
from finstrat.ledger import Ledger, Trial
first = int(sys.argv[2])
for i in range(first, first + 40):
    trial = Trial(str(i), "demo", "u", "2015-01-01", "2016-01-01", 0, {})
    Ledger(Path(sys.argv[1])).record(trial, outcome="ok", returns=np.zeros(3))
"""


def test_processes_record_at_once_and_lose_nothing(ledger):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(ledger.path), first], stderr=subprocess.PIPE
        )
        for first in ("0", "20", "40")  # half of each one's trials are another's too
    ]
    for writer in writers:
        _, said = writer.communicate()
        assert writer.returncode == 0, said.decode()
    with sqlite3.connect(ledger.path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM trials").fetchone() == (80,)
    connection.close()
