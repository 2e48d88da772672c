import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.text.filing import parse_filing

COVER = "FORM 10-K\nFor the fiscal year ended December 31, 2014\n"
SAID = "We say something about it in a sentence that is long enough to be one.\n"


def found(text):
    return [(item.key, item.heading) for item in parse_filing(text).items]


def keys(text):
    return [item.key for item in parse_filing(text).items]


@pytest.mark.parametrize(
    "heading",
    [
        "Item 1A. Risk Factors",
        "ITEM 1A: RISK FACTORS",
        "Item 1A - Risk Factors",
        "Item 1A — Risk factors",
        "ITEM 1A.RISK FACTORS",
        "Item 1A Risk Factors",
        "Item 1A.\nRisk Factors",
        "Item 1 A. Risk Factors",
        "## Item 1A. Risk Factors",
        "**Item 1A.** **Risk Factors**",
        "| Item 1A. | Risk Factors |",
        "PART I. Item 1A. Risk Factors",
    ],
)
def test_a_heading_may_be_written_in_many_ways(heading):
    assert keys(f"{COVER}Item 1. Business\n{SAID}{heading}\n{SAID}") == ["1", "1A"]


def test_an_item_reaches_from_its_heading_to_the_next():
    filing = parse_filing(
        f"{COVER}Item 1. Business\n{SAID}Item 2. Properties\nNone.\nSIGNATURES\nX"
    )
    business, properties = filing.items
    assert filing.text[business.start : business.end] == f"Item 1. Business\n{SAID}"
    assert filing.body("1") == SAID
    assert filing.body("2") == "None.\n"
    assert filing.body("3") is None
    assert filing.text[properties.end :] == "SIGNATURES\nX"
    assert properties.length == len("Item 2. Properties\nNone.\n")


def test_page_numbers_and_part_headings_belong_to_no_item():
    text = f"{COVER}Item 4. Mine Safety Disclosures\nNone.\n17\nTable of Contents\nPART II\n"
    filing = parse_filing(f"{text}Item 5. Market for Our Stock\n{SAID}")
    assert filing.body("4") == "None.\n"


def test_a_table_of_contents_does_not_count():
    listed = "Item 1. Business 3\nItem 1A. Risk Factors 9\nItem 2. Properties 20\n"
    body = f"Item 1. Business\n{SAID}Item 1A. Risk Factors\n{SAID}Item 2. Properties\n{SAID}"
    filing = parse_filing(f"{COVER}{listed}{'About this report. ' * 90}\n{body}")
    assert [item.key for item in filing.items] == ["1", "1A", "2"]
    assert filing.items[0].start == filing.text.rindex("Item 1. Business")


def test_what_a_filing_only_lists_is_not_guessed():
    listed = "Item 1. Legal Proceedings 3\nItem 2. Sales of Securities 9\nItem 6. Exhibits 10\n"
    listed = f"Item 1. Financial Statements 1\nItem 2. Management's Discussion 2\n{listed}"
    body = (
        f"{'Statements. ' * 400}\nItem 2. Management's Discussion\n{SAID}"
        f"Item 1. Legal Proceedings\n{SAID}Item 2. Sales of Securities\n{SAID}"
        f"Item 6. Exhibits\n{SAID}"
    )
    assert keys(f"FORM 10-Q\n{listed}{body}") == ["I-2", "II-1", "II-2", "II-6"]


def test_the_parts_of_a_10_q_are_told_apart_without_their_headings():
    text = (
        f"FORM 10-Q\nItem 1. Financial Statements\n{SAID}Item 2. Management's Discussion\n{SAID}"
        f"Item 1. Legal Proceedings\n{SAID}Item 1A. Risk Factors\n{SAID}Item 6. Exhibits\n{SAID}"
    )
    assert keys(text) == ["I-1", "I-2", "II-1", "II-1A", "II-6"]


def test_a_heading_on_every_page_counts_once():
    page = f"ITEM 1. BUSINESS\n{SAID}"
    filing = parse_filing(f"{COVER}{page * 3}ITEM 2. PROPERTIES\n{SAID}")
    assert [item.key for item in filing.items] == ["1", "2"]
    assert filing.body("1").count("ITEM 1. BUSINESS") == 2


def test_a_reference_to_an_item_heads_nothing():
    text = (
        f"{COVER}Item 1. Business\n{SAID}Item 7 of this report says more.\n"
        f"Item 3 \u201cLegal Proceedings\u201d has details.\n{SAID}"
        f"Item 1A. Risk Factors\n{SAID}Item 7. Management's Discussion\n{SAID}"
    )
    assert keys(text) == ["1", "1A", "7"]


def test_sub_headings_of_an_item_are_no_items():
    text = (
        f"{COVER}Item 13. Certain Relationships\n{SAID}Item 14. Exhibits\n{SAID}Item 14(a)(1):\nX"
    )
    assert keys(text) == ["13", "14"]


def test_two_items_under_one_heading_are_the_first():
    text = f"{COVER}Items 1 and 2. Business and Properties\n{SAID}Item 3. Legal Proceedings\n{SAID}"
    assert found(text)[0] == ("1", "Items 1 and 2. Business and Properties")
    assert keys(text) == ["1", "3"]


def test_old_titles_are_known():
    text = (
        f"{COVER}Item 4. Submission of Matters to a Vote of Security Holders\n{SAID}"
        f"Item 6. Selected Financial Data\n{SAID}"
        f"Item 14. Exhibits, Financial Statement Schedules and Reports on Form 8-K\n{SAID}"
    )
    assert keys(text) == ["4", "6", "14"]


def test_an_8_k_has_the_items_of_its_time():
    assert keys("FORM 8-K\nItem 2.02\nResults\nX\nItem 9.01 Exhibits\nY") == ["2.02", "9.01"]
    assert keys("FORM 8-K\nItem 5. Other Events\nX\nItem 7. Exhibits\nY") == ["5", "7"]


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Item 5.02(b) Departure of Directors or Certain Officers", "5.02"),
        ("Items 2.02 and 7.01. Results of Operations; Regulation FD Disclosure", "2.02"),
        ("ITEM 8.01\nOTHER EVENTS", "8.01"),
        ("Section 8 - Other Events\nItem 8.01. Other Events.", "8.01"),
    ],
)
def test_headings_of_an_8_k_may_be_written_in_many_ways(heading, key):
    assert keys(f"FORM 8-K\n{heading}\n{SAID}") == [key]


@pytest.mark.parametrize(
    ("form", "heading"),
    [("8-K", "Item 8.01 Other Events."), ("10-K", "Item 3. Legal Proceedings.")],
)
def test_a_paragraph_may_begin_with_its_heading(form, heading):
    filing = parse_filing(f"FORM {form}\n{heading} {SAID.strip() * 6}\nSIGNATURES")
    assert [item.heading for item in filing.items] == [heading]
    (item,) = filing.items
    assert filing.body(item.key).startswith("We say something")


PLAIN = """
<PAGE>   1
                       SECURITIES AND EXCHANGE COMMISSION
                                   FORM 10-K405
              FOR THE FISCAL YEAR ENDED DECEMBER 31, 1996

                               TABLE OF CONTENTS
<TABLE>
<CAPTION>
                                                                     PAGE
<S>        <C>                                                       <C>
Item 1.    Business................................................    1
Item 2.    Properties..............................................    4
Item 3.    Legal Proceedings.......................................    5
</TABLE>
<PAGE>   2
                                     PART I

ITEM 1.  BUSINESS

     The Company makes wooden toys, as
Item 7 of this report tells, and sells
them to shops in many cities.
<PAGE>   3
ITEM 2.  PROPERTIES

     One factory.

ITEM 3.  LEGAL PROCEEDINGS

     None.

                                   SIGNATURES
"""


def test_the_plain_text_of_the_nineties_is_read():
    filing = parse_filing(PLAIN)
    assert (filing.form, filing.period_end) == ("10-K", dt.date(1996, 12, 31))
    assert [item.key for item in filing.items] == ["1", "2", "3"]
    assert filing.body("2").startswith("One factory.")
    assert "of this report tells" in filing.body("1")


def test_without_the_word_the_signature_is_told_by_its_sentence():
    signed = "Pursuant to the requirements of the Securities Exchange Act of 1934, the registrant"
    filing = parse_filing(f"FORM 8-K\nItem 8.01 Other Events\n{SAID}{signed}")
    assert filing.body("8.01") == SAID


@pytest.mark.parametrize(
    ("cover", "form", "amended"),
    [
        ("FORM 10-K", "10-K", False),
        ("Form 10-K/A\n(Amendment No. 1)", "10-K", True),
        ("FORM 10-Q\n(Amendment No. 2)", "10-Q", True),
        ("FORM 10-K405", "10-K", False),
        ("Form 10-KSB", "10-K", False),
        ("FORM 8-K\nCURRENT REPORT", "8-K", False),
        ("<DOCUMENT>\n<TYPE>10-Q/A\n<TEXT>\n<p>Hello</p></TEXT>", "10-Q", True),
        ("<DOCUMENT>\n<TYPE>EX-99.1\n<TEXT>\nAbout our FORM 8-K</TEXT>", "other", False),
        ("FORM 10\u2011Q", "10-Q", False),
        ("SECURITIES AND EXCHANGE COMMISSION Washington, D.C. FORM 8-K", "8-K", False),
        ("A press release. See our Form 10-K and Form 10-Q for risks.", "other", False),
        ("", "other", False),
    ],
)
def test_a_filing_says_what_it_is(cover, form, amended):
    filing = parse_filing(cover)
    assert (filing.form, filing.amended) == (form, amended)


def test_only_the_first_document_of_an_envelope_is_read():
    main = f"<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{COVER}Item 1. Business\n{SAID}</TEXT>\n</DOCUMENT>"
    exhibit = "<DOCUMENT>\n<TYPE>EX-21\n<TEXT>\nItem 2. Properties\nX</TEXT>\n</DOCUMENT>"
    assert keys(main + exhibit) == ["1"]


@pytest.mark.parametrize(
    ("cover", "period"),
    [
        ("FORM 10-K\nFor the fiscal year ended September 28, 2024", dt.date(2024, 9, 28)),
        ("FORM 10-Q\nFor the quarterly period ended: June 30 , 2025", dt.date(2025, 6, 30)),
        ("FORM 10-K\nfor the fiscal year ended February 30, 2024", None),
        ("FORM 10-K", None),
        ("FORM 8-K\nfor the quarter ended June 30, 2025", None),
    ],
)
def test_the_period_is_the_covers(cover, period):
    assert parse_filing(cover).period_end == period


PIECES = st.sampled_from(
    [
        *("Item 1. Business", "Item 1A. Risk Factors", "Item 7. Management", "ITEM 2. PROPERTIES"),
        *("Item 9.01 Exhibits", "SIGNATURES", "PART II", "12", "FORM 10-K", "FORM 10-Q", SAID),
        *("<p>", "</td>", "Item", "Item 99.", "<DOCUMENT>", "<TYPE>8-K", "<TEXT>", "", "\x00"),
    ]
)


@given(st.lists(PIECES, max_size=30))
def test_items_never_overlap_and_always_begin_with_their_heading(pieces):
    filing = parse_filing("\n".join(pieces))
    end = 0
    for item in filing.items:
        assert end <= item.start < item.end <= len(filing.text)
        assert " ".join(filing.text[item.start : item.end].split()).startswith(item.heading)
        end = item.end
    assert len(filing.by_key) == len(filing.items)
