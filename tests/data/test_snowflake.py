import numpy as np
import pytest

from finstrat.data.snowflake import EPOCH_MS, id_times, post_times
from finstrat.errors import DataError


def id_at(moment):
    since = np.datetime64(moment, "ms").astype("int64") - EPOCH_MS
    return int(since) << 22 | 12345


def utc(*moments):
    return np.array(moments, dtype="datetime64[ns]")


def test_id_carries_its_millisecond():
    ids = np.array([id_at("2015-03-02T14:30:00.123")])
    assert (id_times(ids) == utc("2015-03-02T14:30:00.123")).all()


def test_published_example_agrees():
    # Twitter's own API v2 documentation: this id, "created_at": "2019-12-31T19:26:16.000Z".
    difference = id_times(np.array([1212092628029698048])) - utc("2019-12-31T19:26:16")
    assert np.timedelta64(0, "s") <= difference[0] < np.timedelta64(1, "s")


def test_sequential_id_carries_no_time():
    assert np.isnat(id_times(np.array([6971079756, 29_700_859_247]))).all()


def test_post_is_out_when_its_second_and_its_ids_moment_are_over():
    stamps = utc("2015-03-02T14:30:00", "2015-03-02T14:30:00")
    ids = np.array([id_at("2015-03-02T14:30:00.400"), id_at("2015-03-02T14:30:02.600")])
    posted = post_times(stamps, ids, source="posts")
    assert (posted.known_at == utc("2015-03-02T14:30:01", "2015-03-02T14:30:02.600")).all()
    (finding,) = posted.findings
    assert finding.count == 2
    assert finding.severity == "info"
    assert "-2.60 to -0.40 s" in finding.detail


def test_stamp_in_a_wrong_zone_gives_way_to_the_id_and_is_counted():
    stamps = utc("2015-03-02T14:30:00", "2015-03-02T14:30:00", "2015-03-02T14:30:00")
    right = id_at("2015-03-02T14:30:00.5")
    ids = np.array([right, id_at("2015-03-02T19:30:00.500"), right])
    posted = post_times(stamps, ids, source="posts")
    assert posted.known_at[1] == utc("2015-03-02T19:30:00.500")[0]
    assert [(f.check, f.count) for f in posted.findings] == [
        ("stamp checked against the id", 3),
        ("stamp at odds with the id", 1),
    ]
    assert posted.findings[1].severity == "warning"


def test_untimed_posts_are_refused_where_most_stamps_are_wrong():
    stamps = utc("2015-03-02T14:30:00", "2010-01-02T14:30:00")
    ids = np.array([id_at("2015-03-02T19:30:00.500"), 6971079756])
    with pytest.raises(DataError, match="most stamps disagree"):
        post_times(stamps, ids, source="posts")


def test_untimed_posts_alone_are_taken_on_trust_and_counted():
    posted = post_times(utc("2010-01-02T14:30:00"), np.array([6971079756]), source="posts")
    assert (posted.known_at == utc("2010-01-02T14:30:01")).all()
    assert [(f.check, f.count, f.severity) for f in posted.findings] == [
        ("stamp not checked", 1, "warning")
    ]


def test_post_without_a_stamp_is_refused():
    with pytest.raises(DataError, match="row 2: the post has no time"):
        post_times(utc("2015-03-02T14:30:00", "NaT"), np.array([1, 2]), source="posts")
