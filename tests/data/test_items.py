import re
from pathlib import Path

import pytest

from finstrat.data.items import BY_NAME, ITEMS, SPANS, item_name

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_every_item_is_documented_as_the_table_has_it():
    rows = re.findall(
        r"^\| `(\w+)` \| (stock|flow) \| (\S+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE
    )
    assert rows == [(item.name, item.kind, item.unit, item.meaning) for item in ITEMS]


def test_names_are_told_apart():
    names = [item_name(item.name, span) for item in ITEMS for span in SPANS]
    stocks = sum(item.kind == "stock" for item in ITEMS)
    assert len(set(names)) == len(names) - stocks * (len(SPANS) - 1)
    assert len(BY_NAME) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_no_tag_of_an_item_is_listed_twice(item):
    assert len(set(item.tags)) == len(item.tags)


def test_spans_do_not_overlap():
    ends = [end for span in SPANS.values() for end in span]
    assert ends == sorted(ends)


def test_a_flow_is_named_with_its_span_and_a_stock_is_not():
    assert item_name("revenue", "quarter") == "revenue_quarter"
    assert item_name("assets", "quarter") == "assets"
