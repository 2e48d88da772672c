"""What says whom and when a text is about goes; everything else stays."""

import pytest

from finstrat.data.entities import Entities
from finstrat.text.masking import Mask

MASK = Mask(Entities.bundled(), ["XOM", "BRK-B", "IT"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Apple Inc beats, $AAPL up 5%", "the company beats, the company up 5%"),
        ("$ZZZZ and XOM fall, it is bad", "the company and the company fall, it is bad"),
        ("IT spending in apple orchards", "IT spending in apple orchards"),
        ("thanks @jack, see e@mail.com", "thanks someone, see e@mail.com"),
        ("Sales on March 3rd, 2014 rose", "Sales on that day rose"),
        ("2014-03-03, 3/3/14, Q3 2014 and 3 May", "that day, that day, that day and that day"),
        ("We may sell 2100 units, march on", "We may sell 2100 units, march on"),
        ("Acme Widgets Inc. loses in 2015", "the company. loses in that day"),
        ("Nothing here", "Nothing here"),
        ("", ""),
    ],
)
def test_names_handles_and_dates_give_way(text, masked):
    assert MASK.masked(text) == masked
    assert MASK.masked(masked) == masked
