import datetime as dt
import random
import shutil
import signal
import sqlite3
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from finstrat.errors import CheckFailedError, DataError
from finstrat.text.cache import ScoreCache, rounded
from finstrat.text.clean import text_key
from finstrat.text.upkeep import CacheUpkeep

WIDTH = 4


def value_of(key):
    """A value that follows from its key alone."""
    return np.frombuffer(key, dtype="<u4")[:WIDTH].astype(np.float32)


def entries(count, start=0):
    keys = [text_key(str(number)) for number in range(start, start + count)]
    return {key: value_of(key) for key in keys}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "scores.sqlite"


@pytest.fixture
def filled(path):
    with ScoreCache(path) as cache:
        cache.put_many("one", entries(2_000), label="first 1")
        cache.put_many("two", entries(500), label="second 1")
    return path


def test_what_was_stored_comes_back_bit_for_bit(path):
    stored = {
        **entries(1_500),
        text_key("odd"): np.array([np.nan, np.inf, -0.0, 1e-45], dtype=np.float32),
    }
    with ScoreCache(path) as cache:
        cache.put_many("one", stored)
    with ScoreCache(path) as cache:
        found = cache.get_many("one", [*stored, text_key("absent")], width=WIDTH)
    assert found.keys() == stored.keys()
    assert all(found[key].tobytes() == stored[key].tobytes() for key in stored)


def test_scorers_and_precisions_are_kept_apart(path):
    [(key, value)] = entries(1).items()
    with ScoreCache(path) as cache:
        cache.put_many("one", {key: value})
        assert cache.get_many("two", [key], width=WIDTH) == {}
        assert cache.get_many("one", [key], width=WIDTH, precision="fp16") == {}
        cache.put_many("one", {key: np.ones(WIDTH, dtype=np.float32)}, precision="fp16")
        assert (cache.get_many("one", [key], width=WIDTH)[key] == value).all()
        assert (cache.get_many("one", [key], width=WIDTH, precision="fp16")[key] == 1).all()


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.float32, 8, elements=st.floats(-60_000, 60_000, width=32)))
def test_half_precision_gives_the_same_fresh_or_cached(tmp_path_factory, values):
    fresh = rounded(values, "fp16")
    key = text_key("x")
    with ScoreCache(tmp_path_factory.mktemp("half") / "scores.sqlite") as cache:
        cache.put_many("one", {key: fresh}, precision="fp16")
        cached = cache.get_many("one", [key], width=8, precision="fp16")[key]
    assert cached.tobytes() == fresh.tobytes()
    assert cached.dtype == np.float32


def test_half_precision_halves_a_row_and_moves_a_unit_vector_little(path):
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    kept = rounded(vector, "fp16")
    cosine = float(kept @ vector / np.linalg.norm(kept))
    assert 1 - cosine < 1e-6
    with CacheUpkeep(path) as cache:
        cache.put_many("one", {b"k" * 32: kept}, precision="fp16")
        [scores] = cache.contents()
    assert scores.value_bytes == 2 * 384


def test_a_score_too_large_for_half_precision_is_refused():
    with pytest.raises(DataError, match="70000 can't be kept in fp16"):
        rounded(np.array([1.0, 70_000.0], dtype=np.float32), "fp16")
    assert np.isinf(rounded(np.array([np.inf], dtype=np.float32), "fp16")).all()


@pytest.mark.parametrize("column", ["value", "text", "checksum"])
def test_a_damaged_row_is_dropped_and_never_served(filled, column):
    damage = {
        "value": "UPDATE scores SET value = zeroblob(16) WHERE scorer = 1",
        # values that stand at each other's address
        "text": "UPDATE scores SET value = moved.value FROM (SELECT text,"
        " lag(value, 1, zeroblob(16)) OVER (ORDER BY text) AS value FROM scores WHERE scorer = 1)"
        " AS moved WHERE scorer = 1 AND scores.text = moved.text",
        "checksum": "UPDATE scores SET checksum = checksum + 1 WHERE scorer = 1",
    }[column]
    with sqlite3.connect(filled) as connection:
        connection.execute(damage)
    connection.close()
    with ScoreCache(filled) as cache:
        assert cache.get_many("one", list(entries(2_000)), width=WIDTH) == {}
        assert cache.dropped == 2_000
        assert len(cache.get_many("two", list(entries(500)), width=WIDTH)) == 500
        cache.put_many("one", entries(2_000))
        assert len(cache.get_many("one", list(entries(2_000)), width=WIDTH)) == 2_000


def test_a_row_of_another_width_is_dropped(filled):
    with ScoreCache(filled) as cache:
        assert cache.get_many("two", list(entries(500)), width=WIDTH + 1) == {}
        assert cache.dropped == 500


def test_flipped_bytes_anywhere_are_refused_or_recomputed_never_served(filled, tmp_path):
    sound = filled.read_bytes()
    chance = random.Random(11)
    expected = entries(2_000)
    refused = dropped = 0
    for trial in range(60):
        broken = bytearray(sound)
        for _ in range(chance.choice([1, 20, 400])):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{trial}.sqlite"
        path.write_bytes(broken)
        try:
            with ScoreCache(path) as cache:
                found = cache.get_many("one", list(expected), width=WIDTH)
        except DataError:
            refused += 1
            continue
        dropped += len(expected) - len(found)
        assert all(found[key].tobytes() == expected[key].tobytes() for key in found)
    assert refused > 0
    assert dropped > 0


WRITER = """
import numpy as np
from finstrat.text.cache import ScoreCache
from finstrat.text.clean import text_key

with ScoreCache(path) as cache:
    for part in range(start, stop):
        keys = [text_key(str(number)) for number in range(50 * part, 50 * part + 50)]
        expected = {key: np.frombuffer(key, dtype="<u4")[:4].astype(np.float32) for key in keys}
        found = cache.get_many("one", keys, width=4)
        assert all((found[key] == expected[key]).all() for key in found)
        cache.put_many("one", expected, label="shared 1")
"""


@pytest.fixture
def writer(forked, path, tmp_path):
    """Starts a process that stores parts of 50 rows, checking those that are there."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    return lambda start, stop: forked(script, path=str(path), start=start, stop=stop)


def test_four_processes_share_one_cache(writer, path):
    # Two pairs write the same rows, and all begin with a file that isn't there yet.
    processes = [writer(*each) for each in [(0, 60), (0, 60), (40, 100), (40, 100)]]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    with CacheUpkeep(path) as cache:
        assert len(cache.get_many("one", list(entries(5_000)), width=WIDTH)) == 5_000
        assert cache.verify() == 0


def test_a_killed_writer_leaves_whole_parts_and_a_sound_file(writer, path):
    chance = random.Random(5)
    stored = [0]
    for _ in range(25):
        process = writer(0, 100_000)
        time.sleep(chance.uniform(0.05, 0.25))
        # On a slow machine a quarter of a second may not be enough for a single part.
        while stored[-1] == 0 and _rows(path) == 0 and process.exitcode is None:
            time.sleep(0.05)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        with CacheUpkeep(path) as cache:
            assert cache.verify() == 0
        stored.append(_rows(path))
    assert stored[-1] > 0
    assert all(rows % 50 == 0 for rows in stored)
    assert stored == sorted(stored)


def _rows(path):
    with CacheUpkeep(path) as cache:
        return sum(each.rows for each in cache.contents())


def test_contents_are_told_by_scorer(filled):
    with CacheUpkeep(filled) as cache:
        first, second = cache.contents()
        assert cache.size() > 2_500 * 50
    assert (first.label, first.rows, first.value_bytes) == ("first 1", 2_000, 16)
    assert (second.fingerprint, second.rows) == ("two", 500)
    assert first.used_on == dt.datetime.now(dt.UTC).date()


def test_verify_deletes_what_is_damaged(filled):
    with sqlite3.connect(filled) as connection:
        connection.execute("UPDATE scores SET value = x'00' WHERE scorer = 2")
        connection.execute("INSERT INTO scores VALUES (99, x'01', x'02', 3)")
    connection.close()
    with CacheUpkeep(filled) as cache:
        assert cache.verify() == 501
        assert cache.verify() == 0
        assert [each.rows for each in cache.contents()] == [2_000, 0]


def test_verify_says_where_the_file_itself_is_damaged(filled):
    broken = bytearray(filled.read_bytes())
    broken[8_192:40_000] = bytes(len(broken[8_192:40_000]))
    filled.write_bytes(broken)
    with CacheUpkeep(filled) as cache:
        with pytest.raises(CheckFailedError, match="scores.sqlite: can't be used.*delete it"):
            cache.verify()


def test_what_is_forgotten_gives_its_space_back(filled):
    with CacheUpkeep(filled) as cache:
        before = cache.size()
        assert cache.forget(["one", "absent"]) == 2_000
        cache.compact()
        assert cache.size() < before / 2
        assert [each.fingerprint for each in cache.contents()] == ["two"]
        cache.put_many("one", entries(3))
        assert len(cache.get_many("one", list(entries(3)), width=WIDTH)) == 3


def test_use_is_noted_by_the_day(filled):
    with sqlite3.connect(filled) as connection:
        connection.execute("UPDATE scorers SET used_on = '2020-01-01'")
    connection.close()
    with ScoreCache(filled) as cache:
        cache.get_many("two", list(entries(1)), width=WIDTH)
    with CacheUpkeep(filled) as cache:
        used = {each.fingerprint: each.used_on for each in cache.contents()}
    assert used["one"] == dt.date(2020, 1, 1)
    assert used["two"] == dt.datetime.now(dt.UTC).date()


def test_a_cache_of_the_first_format_is_taken_over(path):
    path.parent.mkdir()
    shutil.copy(make_first_format(path.with_name("old.sqlite")), path)
    with CacheUpkeep(path) as cache:
        assert len(cache.get_many("one", list(entries(10)), width=WIDTH)) == 10
        [scores] = cache.contents()
        assert scores.used_on == dt.datetime.now(dt.UTC).date()


def make_first_format(path):
    from finstrat.text.cache import row_checksum

    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE scorers (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);"
        "CREATE TABLE scores (scorer INTEGER NOT NULL REFERENCES scorers, text BLOB NOT NULL,"
        " value BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (scorer, text))"
        " WITHOUT ROWID; PRAGMA user_version = 1; INSERT INTO scorers VALUES (1, 'one');"
    )
    for key, value in entries(10).items():
        blob = value.tobytes()
        row = (1, key, blob, row_checksum("one", key, blob))
        connection.execute("INSERT INTO scores VALUES (?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("no database" * 100), "file is not a database"),
        (lambda path: path.mkdir(), "can't open or make a score cache"),
        (
            lambda path: sqlite3.connect(path).executescript("CREATE TABLE other (x)").close(),
            "a database of something else",
        ),
        (
            lambda path: sqlite3.connect(path).executescript("PRAGMA user_version = 9").close(),
            "format 9, expected 2",
        ),
    ],
)
def test_what_is_no_cache_is_refused_in_a_sentence(path, make, message):
    path.parent.mkdir()
    make(path)
    with pytest.raises(DataError, match=message):
        ScoreCache(path)


def test_a_cache_below_a_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't open or make a score cache"):
        ScoreCache(tmp_path / "file" / "scores.sqlite")
