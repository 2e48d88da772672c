from finstrat.text.visible import visible_lines, visible_text


def lines(text):
    return visible_lines(text).text.split("\n")


def test_each_block_is_a_line_and_source_line_breaks_are_not():
    page = "<html><body><p>One\ntwo</p><div>three<br>four</div><h1>Five</h1></body></html>"
    assert lines(page) == ["One two", "three", "four", "Five"]


def test_a_row_of_a_table_is_one_line():
    page = "<body><table><tr><td>Item 1.</td><td>Business</td></tr><tr><td>x</td></tr></table>"
    assert lines(page) == ["Item 1. Business", "x"]


def test_inline_markup_breaks_no_word():
    assert lines("<body><p><b>I</b><span>TEM&nbsp;1A.</span></p>") == ["ITEM 1A."]


def test_preformatted_parts_keep_their_lines():
    assert lines("<body><p>a\nb</p><pre>c\n  d</pre></body>") == ["a b", "c", "d"]


def test_plain_text_and_markdown_keep_their_lines():
    assert lines("Item 1.\n\n  Business \r\nWe sell") == ["Item 1.", "Business", "We sell"]
    assert lines("<div align='center'>FORM 8-K\n\nREPORT</div>\n# Item") == [
        "FORM 8-K",
        "REPORT",
        "# Item",
    ]


def test_marks_that_nobody_sees_are_gone():
    assert lines("<p>lia\u00adbil\u200bity</p>") == ["liability"]
    assert lines("<body><p>a</p><p hidden>b</p><ix:header>c</ix:header></body>") == ["a"]


def test_the_same_words_are_seen_as_by_visible_text():
    page = "<body><p>One two</p><table><tr><td>3</td><td>four</td></tr></table></body>"
    assert visible_lines(page).text.split() == visible_text(page).text.split()
    assert visible_lines(page).tags == visible_text(page).tags


def test_nothing_has_no_line():
    assert visible_lines("").text == ""
    assert visible_lines("<p> </p>").text == ""


def test_unclosed_preformatted_parts_by_the_thousand_are_read_like_any_text():
    # Each once searched all the rest for its end.
    assert lines("<body><p>a</p>" + "<pre>x " * 100_000)[:2] == ["a", "x"]
