import datetime as dt

import numpy as np
import pytest

from finstrat.data import Clock, Panel, Span
from finstrat.data.labels import later_values, return_labels
from finstrat.errors import DataError


@pytest.fixture
def clock():
    """Five sessions; Thanksgiving falls out, and the Friday after it is a half-day."""
    return Clock.build("XNYS", Span(dt.date(2015, 11, 23), dt.date(2015, 11, 30)))


@pytest.fixture
def panel(clock):
    opened = np.array([[10.0], [20.0], [30.0], [60.0], [90.0]])
    return Panel.from_fields(clock.sessions, ("A",), {"open": opened, "close": opened + 1})


def test_a_label_filled_at_opens_is_known_in_the_session_of_its_last_fill(panel, clock):
    labels = return_labels(panel, clock, 1, fill="next-open")
    # Decided at 0, bought at 20, sold at 30 with the open of session 2: known before its cutoff.
    assert labels.values[:, 0].tolist()[:3] == [0.5, 1.0, 0.5]
    assert np.isnan(labels.values[3:]).all()
    assert labels.known_from.tolist() == [2, 3, 4, 5, 5]


def test_a_label_filled_at_closes_waits_for_the_next_session(panel, clock):
    labels = return_labels(panel, clock, 1, fill="next-close")
    assert labels.values[0, 0] == pytest.approx(31 / 21 - 1)
    assert labels.known_from.tolist() == [3, 4, 5, 5, 5]


def test_with_a_cutoff_before_the_open_a_fill_at_it_comes_too_late(panel, clock):
    early = Clock.build(
        "XNYS",
        Span(dt.date(2015, 11, 23), dt.date(2015, 11, 30)),
        latency=dt.timedelta(hours=7),
    )
    assert return_labels(panel, early, 1, fill="next-open").known_from.tolist() == [3, 4, 5, 5, 5]


def test_a_horizon_beyond_the_data_has_no_label(panel, clock):
    labels = return_labels(panel, clock, 9, fill="next-open")
    assert np.isnan(labels.values).all()
    assert (labels.known_from == 5).all()


def test_a_features_later_value_is_known_in_its_own_session():
    labels = later_values(np.arange(4.0)[:, None], 2)
    assert labels.values[:2, 0].tolist() == [2.0, 3.0]
    assert np.isnan(labels.values[2:]).all()
    assert labels.known_from.tolist() == [2, 3, 4, 4]
    with pytest.raises(DataError, match="1 session or more"):
        later_values(np.ones((4, 1)), 0)
