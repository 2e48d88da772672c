import pandas as pd
import pytest

from finstrat.data import Documents
from finstrat.errors import DataError
from finstrat.text.repetition import earlier_copies, template


def documents(*rows):
    """(id, asset, day, text) rows."""
    start = pd.Timestamp("2015-03-02T12:00:00Z")
    known = pd.to_datetime([start + pd.Timedelta(days=row[2]) for row in rows])
    frame = pd.DataFrame(
        {
            "id": [row[0] for row in rows],
            "asset": [row[1] for row in rows],
            "known_at": known,
            "event_at": known,
            "text": [row[3] for row in rows],
        }
    )
    return Documents.from_frame(frame, where="test")


def test_template_leaves_out_what_a_bot_fills_in():
    first = template("$AAPL up 3.5% today! #stocks http://a.b")
    assert first == template("$MSFT up 12% today: #money") == "up today"


def test_text_of_fillings_alone_is_its_own_template():
    assert template("$AAPL $MSFT") != template("$GOOG")


def test_copies_count_across_assets_and_rows_of_one_post_do_not():
    found = earlier_copies(
        documents(
            ("1", "A", 0, "Buy $A now"),
            ("1", "B", 0, "Buy $A now"),
            ("2", "B", 1, "RT @x: buy $B now"),
            ("3", None, 1, "sell"),
            ("4", "A", 30, "Buy $A now"),
        ),
        days=7.0,
    )
    assert found.tolist() == [0, -1, 1, 0, 0]


def test_window_must_be_positive():
    with pytest.raises(DataError, match="days must be positive"):
        earlier_copies(documents(("1", "A", 0, "x")), days=0.0)
