import numpy as np
import pandas as pd
import pytest

from finstrat.text.events import EVENTS, event_table, event_types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apple beats Wall Street estimates as Q3 revenue climbs", ("earnings",)),
        ("Boeing raises full-year forecast", ("guidance",)),
        ("Facebook to buy WhatsApp for $19 billion", ("merger",)),
        ("SEC investigates Citigroup over fraudulent loans", ("litigation",)),
        ("Goldman downgrades $AAPL, cuts price target", ("rating",)),
        ("Exxon raises quarterly dividend; announces buyback", ("payout",)),
        ("Alibaba IPO priced", ("financing",)),
        ("Microsoft names Nadella CEO", ("management",)),
        ("FDA approves Amgen drug", ("product",)),
        ("Caterpillar cuts 5,000 jobs", ("labour",)),
        ("Good morning", ()),
        ("", ()),
    ],
)
def test_events_of_headlines(text, expected):
    assert event_types(text) == expected


def test_a_rule_needs_whole_words():
    assert event_types("He pursued a courtesy of epsilon") == ()


def test_table_has_a_row_a_text_and_a_column_a_kind():
    table = event_table(["Boeing sued", "x"])
    assert table.shape == (2, len(EVENTS))
    assert np.flatnonzero(table[0]).tolist() == [EVENTS.index("litigation")]
    assert not table[1].any()


def test_many_real_headlines_tell_of_an_event_and_many_of_none(shared_data):
    headlines = pd.read_parquet(shared_data / "reuters" / "headlines.parquet")["headline"]
    share = event_table(headlines.head(3000).tolist()).any(axis=1).mean()
    assert 0.2 < share < 0.8
