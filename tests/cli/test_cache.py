import sqlite3

import pytest

from finstrat.text import ScoreCache, text_key


@pytest.fixture
def kept(project):
    """A project with a cache of two scorers, one of them long unused; the cache's path."""
    import numpy as np

    path = project / ".finstrat" / "scores.sqlite"
    values = {text_key(str(n)): np.ones(4, dtype=np.float32) for n in range(100)}
    with ScoreCache(path) as cache:
        cache.put_many("a" * 64, values, label="current 2")
        cache.put_many("b" * 64, values, label="current 1", precision="fp16")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE scorers SET used_on = '2020-01-01' WHERE label = 'current 1'")
    connection.close()
    return path


def test_stats_tell_what_is_kept(finstrat, kept):
    told = finstrat("cache", "stats", "--json").json
    assert told["path"] == ".finstrat/scores.sqlite"
    assert told["rows"] == 200
    assert {each["label"]: each["value_bytes"] for each in told["scorers"]} == {
        "current 2": 16,
        "current 1": 8,
    }
    shown = finstrat("cache", "stats").out
    assert "aaaaaaaaaaaa…" in shown
    assert "bbbbbbbbbbbb… fp16" in shown
    assert "2020-01-01" in shown


def test_verify_ends_with_4_where_rows_were_damaged_and_with_0_afterwards(finstrat, kept):
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE scores SET value = x'00' WHERE scorer = 1")
    connection.close()
    ended = finstrat("cache", "verify")
    assert ended.code == 4
    assert "100 damaged rows were deleted" in ended.err
    again = finstrat("cache", "verify", "--json")
    assert (again.code, again.json["sound"], again.json["damaged"]) == (0, 100, 0)


def test_gc_forgets_what_is_long_unused(finstrat, kept):
    assert "would forget current 1" in finstrat("cache", "gc", "--dry-run").out
    assert finstrat("cache", "stats", "--json").json["rows"] == 200
    assert "forgot current 1" in finstrat("cache", "gc").out
    assert [each["label"] for each in finstrat("cache", "stats", "--json").json["scorers"]] == [
        "current 2"
    ]
    assert "nothing to forget" in finstrat("cache", "gc").out


def test_gc_forgets_one_scorer_by_its_fingerprint(finstrat, refused, kept):
    assert "2 scorers begin so" not in refused(2, "cache", "gc", "--scorer", "c")
    assert "forgot current 2" in finstrat("cache", "gc", "--scorer", "aaaa").out
    assert finstrat("cache", "stats", "--json").json["rows"] == 100


@pytest.mark.parametrize("verb", ["stats", "verify", "gc"])
def test_looking_makes_no_cache(refused, project, verb):
    assert "no score cache here yet" in refused(3, "cache", verb)
    assert not (project / ".finstrat").exists()
