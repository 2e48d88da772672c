"""The items that the SEC's forms have, in their order, and how their headings are worded.

Wordings are patterns of the beginning of a title, in lower case, over the years in which a number
meant different things (Item 4 of a 10-K was "Submission of Matters to a Vote", then "Removed and
Reserved", and is "Mine Safety Disclosures").
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class FormItem:
    """One item of a form: its key, unique in the form, its number, and its title's wording."""

    key: str
    number: str
    wording: re.Pattern[str]


def _items(*rows: tuple[str, str, str]) -> tuple[FormItem, ...]:
    return tuple(FormItem(key, number, re.compile(wording)) for key, number, wording in rows)


_ANY = r""
_FINANCIAL = r"(?:condensed |consolidated |interim |unaudited )*financial"
_OMITTED = r"\W?(?:removed|reserved|intentionally|omitted|not applicable|not required)"

TEN_K = _items(
    ("1", "1", r"(?:description of |our )?business"),
    ("1A", "1A", r"risk"),
    ("1B", "1B", r"unresolved"),
    ("1C", "1C", r"cyber"),
    ("2", "2", r"(?:description of )?propert"),
    ("3", "3", r"legal"),
    ("4", "4", rf"mine|submission|{_OMITTED}"),
    ("X", "X", r"(?:information about|executive)"),
    ("5", "5", r"market"),
    ("6", "6", rf"selected|(?:consolidated )?financial|{_OMITTED}"),
    ("7", "7", r"management|plan of operation"),
    ("7A", "7A", rf"quantitative|qualitative|{_OMITTED}"),
    ("8", "8", _FINANCIAL),
    ("9", "9", r"change|disagree"),
    ("9A", "9A", r"(?:disclosure )?controls"),
    ("9B", "9B", r"other"),
    ("9C", "9C", r"disclosure"),
    ("10", "10", r"(?:our )?director"),
    ("11", "11", r"(?:executive|compensation)"),
    ("12", "12", r"security|securities"),
    ("13", "13", r"certain|related|relationships"),
    ("14", "14", r"principal|accountant|exhibit|controls"),
    ("15", "15", r"exhibit|financial|principal"),
    ("16", "16", rf"form|summary|exhibit|{_OMITTED}|none"),
)
"""The items of a 10-K, old and new; "X" is what some companies number so."""

TEN_Q = _items(
    ("I-1", "1", rf"{_FINANCIAL}|unaudited|index|consolidated"),
    ("I-2", "2", r"management"),
    ("I-3", "3", rf"quantitative|qualitative|{_OMITTED}"),
    ("I-4", "4", r"(?:disclosure )?controls"),
    ("II-1", "1", rf"legal|{_OMITTED}"),
    ("II-1A", "1A", r"risk"),
    ("II-2", "2", r"unregistered|changes|issuer|sales|recent|purchase|repurchase|share"),
    ("II-3", "3", r"default"),
    ("II-4", "4", rf"mine|submission|{_OMITTED}"),
    ("II-5", "5", r"other"),
    ("II-6", "6", r"exhibit"),
)
"""The items of a 10-Q: "II-1A" is Item 1A of Part II."""

_EIGHT_K = (
    *("1.01", "1.02", "1.03", "1.04", "1.05"),
    *("2.01", "2.02", "2.03", "2.04", "2.05", "2.06"),
    *("3.01", "3.02", "3.03", "4.01", "4.02"),
    *("5.01", "5.02", "5.03", "5.04", "5.05", "5.06", "5.07", "5.08"),
    *("6.01", "6.02", "6.03", "6.04", "6.05", "6.06", "7.01", "8.01", "9.01"),
    *(str(number) for number in range(1, 13)),
)
EIGHT_K = _items(*((number, number, _ANY) for number in _EIGHT_K))
"""The items of an 8-K, whatever their titles; those before August 2004 are plain numbers."""

FORMS = {"10-K": TEN_K, "10-Q": TEN_Q, "8-K": EIGHT_K}
"""Items by form; transition reports and forms for small companies (10-KSB, …) count as theirs."""
