import numpy as np
import pandas as pd

from finstrat.data import Documents
from finstrat.data.snowflake import EPOCH_MS
from finstrat.data.stamps import stamp_findings


def documents(known_at, **columns):
    """One text for every stamp, known when it happened unless `event_at` says otherwise."""
    frame = pd.DataFrame({"known_at": known_at, "event_at": known_at, "text": "said", **columns})
    if "id" not in frame:
        frame["id"] = [f"n{i}" for i in range(len(frame))]
    return Documents.from_frame(frame, where="f")


def hourly(count, start="2015-03-02T12:30:00Z"):
    """Stamps 23 hours apart, none at midnight."""
    return pd.date_range(start, periods=count, freq="23h").tolist()


def counts(found):
    return {each.check: each.count for each in found}


def test_stamps_that_differ_give_no_finding():
    assert stamp_findings(documents(hourly(100)), source="s") == ()


def test_no_documents_give_no_finding():
    assert stamp_findings(Documents.empty(), source="s") == ()


def test_a_text_known_eight_days_after_its_event_is_late_and_seven_days_are_not():
    known = pd.to_datetime(["2015-03-09T12:00:00Z", "2015-03-10T12:00:00Z"])
    event = pd.to_datetime(["2015-03-02T12:00:00Z", "2015-03-02T12:00:00Z"])
    (finding,) = stamp_findings(documents(known, event_at=event), source="s")
    assert (finding.check, finding.count, finding.severity) == ("late stamp", 1, "warning")
    assert finding.detail.endswith(
        "first: n1, known 2015-03-10T12:00:00Z, event 2015-03-02T12:00:00Z"
    )


def test_a_correction_may_come_late():
    known = pd.to_datetime(["2015-03-02T12:00:00Z", "2015-05-02T12:00:00Z"])
    event = pd.to_datetime(["2015-03-02T12:00:00Z"] * 2)
    both = documents(known, event_at=event, id=["a", "a"], version=[1, 2])
    assert stamp_findings(both, source="s") == ()


def test_twenty_texts_at_one_moment_among_two_hundred_were_loaded_at_once():
    moment = pd.Timestamp("2015-06-01T09:15:00Z")
    found = stamp_findings(documents(hourly(180) + [moment] * 20), source="s")
    assert counts(found) == {"one stamp for many": 20}
    # 20 of 201 are less than a tenth; 19 are too few to tell.
    assert stamp_findings(documents(hourly(181) + [moment] * 20), source="s") == ()
    assert stamp_findings(documents(hourly(100) + [moment] * 19), source="s") == ()


def test_midnights_are_dates_in_disguise_and_hours_are_not():
    days = pd.date_range("2015-03-02", periods=50, freq="D", tz="UTC").tolist()
    assert counts(stamp_findings(documents(days), source="s")) == {"date passing as a time": 50}
    # One in 24 of stamps cut to the hour falls at midnight.
    hours = pd.date_range("2015-03-02", periods=480, freq="h", tz="UTC").tolist()
    assert stamp_findings(documents(hours), source="s") == ()
    # A date alone is known at the end of its day in New York.
    assert stamp_findings(documents([each.replace(hour=5) for each in days]), source="s") == ()


def tweet_id(moment):
    return str((int(pd.Timestamp(moment).timestamp() * 1000) - EPOCH_MS) << 22)


def test_a_stamp_before_its_id_was_issued_is_doubted():
    true = hourly(10)
    ids = [tweet_id(each) for each in true]
    assert stamp_findings(documents(true, id=ids), source="s") == ()
    stamped = [*true[:9], true[9] - pd.Timedelta(minutes=2)]
    (finding,) = stamp_findings(documents(stamped, id=ids), source="s")
    assert (finding.check, finding.count) == ("id newer than its stamp", 1)
    assert ids[9] in finding.detail


def test_numbers_that_embed_no_time_are_left_alone():
    ids = [str(900_000_000_000_000_000 + i) for i in range(10)]
    assert stamp_findings(documents(hourly(10), id=ids), source="s") == ()


def test_the_doubts_of_real_tweets_are_none(host):
    from finstrat.components import TextSource
    from finstrat.data import Span, Universe, quality

    span = Span(np.datetime64("2009-05-04").item(), np.datetime64("2018-01-02").item())
    tweets = host.get(TextSource, "tweets").component().load(Universe(), span)
    found = quality.document_findings(tweets, source="tweets")
    assert {each.check for each in found if each.severity == "warning"} == set()
