import gzip

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finstrat.text.clean import clean, cleaned, raw_digest

PIECES = st.sampled_from(
    [
        *("RT @a: ", "MT @b ", "AT_USER", " via @c", "http://t.co/x", "www.", "htt…", "...", "…"),
        *(
            "&amp;",
            "&lt;",
            "&gt;",
            "&#38;",
            "&#x26;",
            "amp;",
            "&",
            "lt;",
            "&nbsp;",
            "&#0;",
            "&shy;",
        ),
        *("<b>", "</b>", "<p hidden>", "<br/>", "<", ">", "<script>", "</script>", "<!--", "-->"),
        *("<a href=", "<AAPL.O>", "\u200b", "\u202e", "\x00", "\ud800", "\ufeff", "e", "\u0301"),
        *("NEW YORK, March 3 (Reuters) - ", "(Reporting by A B)", "All rights reserved.", "©"),
        *(
            "Read more",
            " ",
            "\n",
            "\t",
            "ﬁ",
            "Ｆ",
            "＆",
            "＜",
            "＞",
            "\uffa0",
            "а",
            "Profit",
            "(",
            ")",
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join)


@settings(max_examples=1_000, deadline=None)
@given(TEXTS)
@example("RThttp://x @user: hi")
@example("<b http://x >q")
@example("htt... (Reporting by A)")
@example("&#xFF06;" + "#xFF06;" * 40)
def test_a_cleaned_text_comes_back_as_it_is(text):
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_whatever_is_changed_is_counted(text):
    result = cleaned(text)
    if not result.changed:
        assert result.text == " ".join(text.split())


@pytest.mark.parametrize(
    ("raw", "text", "counts"),
    [
        ("Profit  rose\n 5%", "Profit rose 5%", {}),
        ("AT&T and R&D, S&notes", "AT&T and R&D, S&notes", {}),
        ("R&amp;D &amp;amp; &#39;x&#39;", "R&D & 'x'", {"entities": 5}),
        ("A\u200bB\x00\u202egnp\u202c", "ABgnp", {"invisible": 4, "bidi": 2}),
        ("ﬁne Ｆｕｌｌ\u00a0x", "fine Full x", {"normalised": True}),
        ("up 👩\u200d💻 🚀", "up 👩💻 🚀", {"invisible": 1}),
        ("公司净利润增长", "公司净利润增长", {}),
        ("RT @a: MT @b Profit", "Profit", {"retweets": 1}),
        ("Profit http://t.co/x www.y.com", "Profit", {"urls": 2}),
        ("Profit up htt…", "Profit up", {"urls": 1, "normalised": True}),
        ("NEW YORK, March 3 (Reuters) - Apple fell.", "Apple fell.", {"boilerplate": 1}),
        ("KEARNEY, NE -- (BUSINESS WIRE) -- Buckle", "Buckle", {"boilerplate": 1}),
        ("(Bloomberg) -- Oil fell", "Oil fell", {"boilerplate": 1}),
        ("Oil fell. (Reporting by A; Editing by B)", "Oil fell.", {"boilerplate": 1}),
        ("Oil. © 2015 Thomson Reuters. All rights reserved.", "Oil.", {"boilerplate": 1}),
        ("Great news! via @user", "Great news!", {"boilerplate": 1}),
        # not a dateline, not a credit: what may be news stays
        ("Apple buys Beats (Reuters) - a deal", "Apple buys Beats (Reuters) - a deal", {}),
        ("Fed (as expected) raised rates (again)", "Fed (as expected) raised rates (again)", {}),
        ("", "", {}),
        (" \u200b\n", "", {"invisible": 1}),
    ],
)
def test_what_is_removed_and_how_it_is_counted(raw, text, counts):
    result = cleaned(raw)
    assert result.text == text
    assert {name: n for name, n in result._asdict().items() if name != "text" and n} == counts


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p>Profit <b>ro</b>se</p><p>5%</p>Tax<br>fell", "Profit rose 5% Tax fell"),
        ("<script>var a='x<b';</script><style>p{}</style>Up", "Up"),
        ("<head><title>T</title></head><body>Up<!-- note --></body>", "Up"),
        ("<div style='display : NONE'>no<div>no</div></div><p hidden>no</p>Up", "Up"),
        ("<ix:header>0000320193</ix:header><p>Up</p>", "Up"),
        ("&lt;p&gt;Up&lt;/p&gt; &lt;i&gt;5%&lt;/i&gt;", "Up 5%"),
        ("<p>Apple <AAPL.O> rose</p>", "Apple <AAPL.O> rose"),
        ("Apple <AAPL.O> rose", "Apple <AAPL.O> rose"),
        ("a<b and c>d, I <3 stocks", "a<b and c>d, I <3 stocks"),
        ("x --> <!-- y", "x --> <!-- y"),
    ],
)
def test_of_html_only_what_a_reader_sees_is_left(raw, text):
    assert clean(raw) == text


def test_tags_are_counted():
    assert cleaned("<p>Profit <b>rose</b></p>").tags == 4


def test_words_that_mix_scripts_are_flagged_and_left_alone():
    forged = cleaned("Buy аpple and Gοοgle, not Газпром or 10 μm or β")
    assert forged.mixed_script == 2
    assert "аpple" in forged.text
    assert not forged.changed


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 200_000 + "x",
        "<b>" * 300_000 + "x",
        "".join(f"<font a={i}>" for i in range(30_000)) + "<p>x" * 60_000,
        "&" + "amp;" * 250_000,
        "&#xFF06;" + "#xFF06;" * 120_000,
        "<script" * 140_000,
        "<!--" * 250_000 + "-->",
        "htt..." * 160_000,
        "RT @a " * 150_000,
        "aа" * 500_000,
        "中" * 1_000_000,
    ],
    ids=lambda text: text[:8],
)
def test_a_million_hostile_characters_are_cleaned_once_for_all(hostile):
    # Each of these took minutes or gigabytes in a naive loop or an unguarded parser.
    once = clean(hostile)
    assert clean(once) == once


def test_a_million_ordinary_characters_lose_nothing():
    text = "Profit rose five percent. " * 40_000
    assert cleaned(text) == cleaned(text[:-1])
    assert clean(text) == text.strip()


def test_the_raw_text_is_told_apart_where_the_clean_one_is_not():
    assert clean("A\u200bB") == clean("AB")
    assert raw_digest("A\u200bB") != raw_digest("AB")
    assert raw_digest("\ud83d") != raw_digest("")


def test_inline_xbrl_filing_starts_with_its_first_visible_words(shared_data):
    with gzip.open(shared_data / "sec/filings/nvda-10-q-2025-08-27.html.gz", "rt") as file:
        result = cleaned(file.read())
    assert result.text.startswith("UNITED STATES SECURITIES AND EXCHANGE COMMISSION")
    assert "fasb.org" not in result.text
    assert result.tags > 20_000
