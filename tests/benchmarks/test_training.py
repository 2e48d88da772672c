"""The material that `minilm-sentiment` is trained on is labelled as it says."""

import gzip
import importlib
import random
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "training"


@pytest.fixture(scope="module")
def scripts():
    """The modules beside build.py, which import each other by their plain names."""
    sys.path.insert(0, str(FOLDER))
    names = ("build", "filings", "press")
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(FOLDER))
    for name in names:
        del sys.modules[name]


def test_grammar_leaves_no_hole_and_repeats_itself(scripts):
    make = scripts["press"].press_sentences
    made = make(2000, rng=random.Random(1))
    assert made == make(2000, rng=random.Random(1))
    assert not [text for _, text in made if set(text) & set("{}<>[]|")]
    assert {label for label, _ in made} == {"negative", "neutral", "positive"}
    assert len({text for _, text in made}) > 1900


def test_marked_amounts_agree_with_the_labels_of_made_comparisons(scripts):
    from finstrat_plugins.scorers.minilm_amounts import with_directions

    agree = {"(up)": "positive", "(down)": "negative"}
    checked = 0
    for label, text in scripts["press"].press_sentences(3000, rng=random.Random(2)):
        if text.lower().startswith(("net sales", "revenue", "turnover")):
            for mark, expected in agree.items():
                if mark in with_directions(text):
                    assert label == expected, text
                    checked += 1
    assert checked > 10


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("Net sales increased 4.1 percent in the quarter, led by Europe.", "positive"),
        ("Gross margin declined in the first nine months of the year.", "negative"),
        ("Interest expense increased because of two new bonds.", "negative"),
        ("Net loss decreased in the year.", "positive"),
        ("Net income was $44.2 million, compared with $51.8 million a year ago.", "negative"),
        ("The lease covers an office and a warehouse in Omaha.", "neutral"),
        ("Net sales may have increased if the weather was mild.", None),
        ("Net sales increased while gross margin decreased in the quarter.", None),
    ],
)
def test_rules_label_a_filing_sentence(scripts, sentence, label):
    assert scripts["filings"].weak_label(sentence) == label


def test_sentences_of_a_filing_are_its_visible_text(scripts, tmp_path):
    page = "<p>Net sales increased 4 percent in the year.</p><script>Not a sentence of it.</script>"
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(page.encode()))
    found = list(scripts["filings"].filing_sentences([tmp_path / "a.html.gz"]))
    assert found == ["Net sales increased 4 percent in the year."]


def test_written_sentences_stand_once(scripts):
    written = [text for _, text in scripts["build"].written()]
    assert len(written) == len(set(written)) > 500


def test_sentences_labelled_by_reading_are_for_development_and_not_trained_on(scripts, shared_data):
    build = scripts["build"]
    files = sorted((shared_data / "sec/filings").glob("*.gz"))
    sentences = list(scripts["filings"].filing_sentences(files))
    read = build.read_by_hand(sentences)
    assert len(read) == len(build.labels_read()) > 200
    held = {text for _, text in read}
    trained = build.filings(sentences, without=held, rng=random.Random(0))
    assert not held & {text for _, text in [*trained, *build.written()]}


def test_split_depends_on_the_text_alone_and_has_its_share(scripts):
    texts = [f"Sentence number {number}." for number in range(2000)]
    aside = [text for text in texts if scripts["build"].held_out(text, 0.25)]
    assert 400 < len(aside) < 600
    assert aside == [text for text in texts if scripts["build"].held_out(text, 0.25)]
