"""Words and sentences of a text: what keywords, novelty and summaries are counted in.

No model, no language detection. Scripts without spaces are read character by character, which is
enough to compare texts and too little for keywords.
"""

from __future__ import annotations

import re

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W_])+"
    r"(?:['’](?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W_])+)*"
)
_PLACEHOLDERS = frozenset({"rt", "amp", "url", "user", "http", "https"})
_APOSTROPHE = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$")

STOP_WORDS: frozenset[str] = frozenset(ENGLISH_STOP_WORDS) | _PLACEHOLDERS
"""English words without a subject of their own, and what stands for a name or an address in posts.

From scikit-learn, plus the marks of retweets and of anonymised posts.
"""

# A full stop ends a sentence unless it follows an initial, a number, or a usual abbreviation.
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Inc|Corp|Co|Ltd|No|vs|Jr|Sr|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov"
    r"|Dec|e\.g|i\.e|approx|est)|\.[A-Za-z])\.$"
)
_BREAK = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])|(?<=[。！？])")


def words(text: str) -> list[str]:
    """The words and numbers of a text in lower case, without stop words, in their order.

    A possessive or contracted ending is cut off: "Apple's" counts as "apple".
    """
    plain = (_APOSTROPHE.sub("", each) for each in _WORD.findall(text.lower()))
    return [each for each in plain if each not in STOP_WORDS]


def sentences(text: str) -> list[str]:
    """The sentences of a text, in their order, none of them empty.

    A line break ends no sentence by itself, since cleaning has made it a space.
    """
    found: list[str] = []
    pending = ""
    for piece in _BREAK.split(text):
        pending = f"{pending} {piece}".strip()
        if not _ABBREVIATION.search(pending):
            found.append(pending)
            pending = ""
    return [each for each in (*found, pending) if each]
