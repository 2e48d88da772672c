import datetime as dt

import pandas as pd
import pytest

from finstrat.data import Documents
from finstrat.data.entities import Entities
from finstrat.text.entities import Index, link

ROWS = [
    ("BAC", "Bank of America", None, None),
    ("MER", "Bank of America Merrill Lynch", None, None),
    ("V", "Visa", None, None),
    ("JNJ", "Johnson & Johnson", None, None),
    ("BRK-B", "Berkshire", None, None),
    ("GOOG", "Alphabet", None, None),
    ("GOOGL", "Alphabet", None, None),
    ("FB", "Facebook", None, "2021-10-28"),
    ("FB", "Meta", "2021-10-28", None),
    ("MCD", "McDonald's", None, None),
]


@pytest.fixture(scope="module")
def entities():
    frame = pd.DataFrame(ROWS, columns=["asset", "alias", "start", "end"])
    return Entities.from_frame(frame, where="names")


@pytest.fixture(scope="module")
def found(entities):
    index = Index(entities)
    return lambda text, on=None: [(each.name, each.assets) for each in index.mentions(text, on=on)]


def test_longest_name_wins(found):
    assert found("Bank of America Merrill Lynch cuts Bank of America") == [
        ("Bank of America Merrill Lynch", ("MER",)),
        ("Bank of America", ("BAC",)),
    ]


def test_a_shorter_name_at_the_end_of_the_text_is_found(found):
    assert found("Shares of Bank of America") == [("Bank of America", ("BAC",))]
    assert found("Shares of Bank of") == []


def test_name_of_several_assets_stays_ambiguous(found):
    assert found("Alphabet rises") == [("Alphabet", ("GOOG", "GOOGL"))]


def test_one_word_needs_its_capitals_and_several_do_not(found):
    assert found("a visa for bank of america") == [("bank of america", ("BAC",))]
    assert found("VISA and Visa's fees") == [("VISA", ("V",)), ("Visa", ("V",))]


def test_cashtags_in_any_case_and_spelling(found):
    assert found("$v $BRK.B $brk-b. $JNJ.The") == [
        ("$v", ("V",)),
        ("$BRK.B", ("BRK-B",)),
        ("$brk-b", ("BRK-B",)),
        ("$JNJ", ("JNJ",)),
    ]


def test_amounts_are_no_cashtags(found):
    assert found("pays $5 million, 3$ and US$ 7") == []


def test_what_looks_like_a_company_but_is_not_listed_is_unmapped(found):
    assert found("Talks with Caesars Entertainment Corp and $XYZ failed") == [
        ("Caesars Entertainment Corp", ()),
        ("$XYZ", ()),
    ]
    assert found("Visa Inc. gains; the co said") == [("Visa", ("V",))]


def test_punctuation_within_a_name(found):
    assert found("McDonald's beats Johnson & Johnson") == [
        ("McDonald's", ("MCD",)),
        ("Johnson & Johnson", ("JNJ",)),
    ]


def test_positions_are_those_of_the_text(entities):
    text = "So Bank of America fell"
    (mention,) = Index(entities).mentions(text)
    assert text[mention.start : mention.stop] == mention.name


def test_name_counts_only_while_it_was_in_use(found):
    assert found("Meta and Facebook", on=dt.date(2013, 1, 2)) == [("Facebook", ("FB",))]
    assert found("Meta and Facebook", on=dt.date(2024, 1, 2)) == [("Meta", ("FB",))]


def test_coverage_counts_documents_and_mentions(entities):
    texts = ["Visa and VISA up", "Alphabet", "Nothing here", "Acme Inc and $V", "$XYZ"]
    moments = pd.to_datetime(["2014-01-02T15:00:00Z"] * len(texts))
    frame = pd.DataFrame(
        {"id": list("abcde"), "text": texts, "known_at": moments, "event_at": moments}
    )
    found = link(Documents.from_frame(frame, where="test"), entities)
    assert found.documents.tolist() == [0, 3]
    assert found.assets == ("V", "V")
    assert found.by_document() == [["V"], [], [], ["V"], []]
    assert found.coverage() == {
        "documents": 5,
        "documents_mapped": 2,
        "documents_ambiguous": 1,
        "documents_unmapped": 2,
        "share_unmapped": 0.4,
        "mentions": 6,
        "mentions_mapped": 3,
        "mentions_ambiguous": 1,
        "mentions_unmapped": 2,
        "share_mentions_unmapped": 2 / 6,
    }


def test_no_document_has_no_share(entities):
    assert link(Documents.empty(), entities).coverage()["share_unmapped"] is None


def test_real_tweets_name_the_stock_they_were_collected_for(shared_data):
    tweets = pd.read_parquet(shared_data / "stocknet" / "tweets.parquet").head(5000)
    index = Index(Entities.read(shared_data / "stocknet" / "stocks.csv"))
    named = [
        any(ticker in mention.assets for mention in index.mentions(text))
        for ticker, text in zip(tweets["ticker"], tweets["text"], strict=True)
    ]
    assert sum(named) / len(named) > 0.99
