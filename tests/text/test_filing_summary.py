from finstrat.text.filing import parse_filing
from finstrat.text.filing_summary import filing_summary

TOLD = "Sales of wooden toys rose because many new shops opened in the spring."


def test_an_annual_report_is_summed_up_by_its_discussion():
    filing = parse_filing(
        "FORM 10-K\nItem 1. Business\nToys are what we make, and toys are what we sell to shops.\n"
        f"Item 7. Management's Discussion\nSales by the shops that we have had a year\n{TOLD}\n"
    )
    assert filing_summary(filing, count=2) == TOLD


def test_an_8_k_is_summed_up_by_its_items_and_not_its_cover():
    filing = parse_filing(
        "FORM 8-K\nCheck the box below if this form is meant to satisfy another rule as well.\n"
        f"Item 8.01 Other Events\n{TOLD}\n"
    )
    assert filing_summary(filing) == TOLD


def test_other_texts_are_summed_up_whole_and_nothing_by_nothing():
    assert filing_summary(parse_filing(TOLD)) == TOLD
    assert filing_summary(parse_filing(TOLD), count=0) == ""
    assert filing_summary(parse_filing("")) == ""
