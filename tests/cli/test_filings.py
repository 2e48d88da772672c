import pytest

REPORT = (
    "<html><body><p>FORM 10-K</p><p>For the fiscal year ended December 31, 2014</p>"
    "<p>Item 1. Business</p><p>We make wooden toys and sell them to shops in many cities.</p>"
    "<p>Item 1A. Risk Factors</p><p>We may lose the lawsuit about our only factory in court.</p>"
    "<p>SIGNATURES</p></body></html>"
)


@pytest.fixture
def report(project):
    (project / "now.html").write_text(REPORT)
    (project / "before.html").write_text(
        REPORT.replace("2014", "2013").replace("We may lose the lawsuit about", "We rent")
    )
    return project / "now.html"


def test_items_are_shown_with_where_they_stand(finstrat, report):
    shown = finstrat("filings", "show", report).out
    assert "2014-12-31" in shown
    assert "Item 1A. Risk Factors" in shown
    assert "We make wooden toys" in shown


def test_json_holds_offsets_into_the_text_that_item_prints(finstrat, report):
    found = finstrat("filings", "show", report, "--json").json
    assert [item["item"] for item in found["items"]] == ["1", "1A"]
    risks = found["items"][1]
    assert finstrat("filings", "show", report, "--item", "1A").out.startswith(risks["heading"])
    assert risks["end"] - risks["start"] == risks["characters"]
    # "lose" and "lawsuit" are negative.
    assert risks["tone"] == -1.0
    assert risks["words"] == 11
    assert found["change"] is None
    assert found["items"][0]["tone"] == 0.0


def test_a_filing_may_be_compared_with_another(finstrat, report, project):
    found = finstrat("filings", "show", report, "--against", "before.html", "--json").json
    assert 0 < found["change"]["jaccard"] < 1
    assert (
        "risk factors added" in finstrat("filings", "show", report, "--against", "before.html").out
    )


def test_another_scorer_may_tell_the_tone(finstrat, report):
    first = finstrat("filings", "show", report, "--json").json
    other = finstrat("filings", "show", report, "--scorer", "lm-context", "--json").json
    assert first["words"] == other["words"]
    assert other["items"][1]["tone"] == -1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["now.html", "--item", "1B"], 'no item 1B in this 10-K; did you mean "1'),
        (["now.html", "--against", "8k.txt"], "a 8-K, but now.html is a 10-K"),
        (["none.html"], "no such file"),
        (["now.pdf"], "unknown kind of file"),
    ],
)
def test_what_cannot_be_shown_is_said(refused, report, project, given, message):
    (project / "8k.txt").write_text("FORM 8-K")
    assert message in refused(3, "filings", "show", *given)


def test_a_text_that_is_no_form_has_no_items(finstrat, project):
    (project / "release.txt").write_text("We are glad to say that sales rose in the last quarter.")
    ended = finstrat("filings", "show", "release.txt")
    assert "no items" in ended.out
