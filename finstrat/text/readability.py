"""How a filing is written: how hard it is to read, and how uncertain and litigious its words are.

Measured on prose, without tables and headings. Words are those of the master dictionary, in which
numbers, names and remains of markup don't occur.

Sources: Gunning (1952), "The Technique of Clear Writing", for the fog index; Li (2008), "Annual
report readability, current earnings, and earnings persistence", Journal of Accounting and Economics
45(2-3), and Loughran and McDonald (2014), "Measuring readability in financial disclosures", Journal
of Finance 69(4), for annual reports; Loughran and McDonald (2011) for the word lists.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from finstrat.text.dictionary import master_dictionary
from finstrat.text.words import sentences

_WORD = re.compile(r"[A-Z]{2,}|[AI]\b")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_FEWEST_WORDS = 8
_MOST_DIGITS = 0.1
_COMPLEX = 3


@dataclass(frozen=True)
class Reading:
    """Counts of a text's prose, and what follows from them; NaN where there are no words.

    Attributes:
        words: words of the dictionary.
        sentences: in which at least one of them stands.
        complex_words: of three or more syllables.
        uncertain: words of the list "uncertainty".
        litigious: words of the list "litigious".
        characters: of the whole text, tables included.
    """

    words: int
    sentences: int
    complex_words: int
    uncertain: int
    litigious: int
    characters: int

    @property
    def fog(self) -> float:
        """Gunning's index: 0.4 · (words a sentence + percent of complex words).

        About the years of schooling that a first reading takes.
        """
        if not self.words:
            return math.nan
        return 0.4 * (self.words / self.sentences + 100.0 * self.complex_words / self.words)

    @property
    def uncertainty(self) -> float:
        """Share of uncertain words."""
        return self.uncertain / self.words if self.words else math.nan

    @property
    def litigiousness(self) -> float:
        """Share of litigious words."""
        return self.litigious / self.words if self.words else math.nan

    @property
    def log_size(self) -> float:
        """Natural logarithm of the characters: Loughran and McDonald's file size, without markup.

        Markup says more about the year than about the text: XBRL made files several times larger.
        """
        return math.log(self.characters) if self.characters else math.nan


def reading(text: str) -> Reading:
    """How a text with a line a block is written; see `finstrat.text.visible.visible_lines`."""
    dictionary = master_dictionary()
    counted = sentences_counted = complex_words = uncertain = litigious = 0
    for line in prose(text):
        for sentence in sentences(line):
            found = [
                word for word in _WORD.findall(sentence.upper()) if word in dictionary.syllables
            ]
            counted += len(found)
            sentences_counted += bool(found)
            complex_words += sum(dictionary.syllables[word] >= _COMPLEX for word in found)
            uncertain += sum(word in dictionary.uncertainty for word in found)
            litigious += sum(word in dictionary.litigious for word in found)
    return Reading(counted, sentences_counted, complex_words, uncertain, litigious, len(text))


def prose(text: str) -> list[str]:
    """The lines of a text that are prose: eight words or more, and few digits among its letters.

    The rest are headings, page numbers and rows of tables, by their share of digits (as Loughran
    and McDonald tell tables apart) or by Markdown's bar.
    """
    return [line for line in text.splitlines() if _is_prose(line)]


def _is_prose(line: str) -> bool:
    if line.count(" ") < _FEWEST_WORDS - 1 or line.startswith("|"):
        return False
    letters, digits = len(_LETTER.findall(line)), len(_DIGIT.findall(line))
    return digits <= _MOST_DIGITS * (letters + digits)
