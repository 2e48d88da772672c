"""What `minilm-sentiment` ships is small, belongs together, and reads plain sentences rightly."""

import hashlib
import json
import tomllib
from pathlib import Path

import pytest
from finstrat_plugins.scorers import minilm
from finstrat_plugins.scorers.minilm import MiniLMSentiment

FOLDER = Path(minilm.__file__).parent / "minilm_sentiment"
GOOD = [
    "Operating profit rose to EUR 12.4 million from EUR 9.1 million.",
    "The company won a contract worth 40 million dollars.",
    "The net loss narrowed to 1.2 million from 6.5 million.",
    "The board proposes a higher dividend.",
]
BAD = [
    "Operating profit fell to EUR 9.1 million from EUR 12.4 million.",
    "The company lays off 300 people because of weak demand.",
    "The net loss widened to 6.5 million from 1.2 million.",
    "The company cut its full-year guidance.",
]
PLAIN = [
    "The annual general meeting will be held on 4 April in Oslo.",
    "The company has appointed Maria Reid as head of human resources.",
    "The group makes pumps and has plants in Poland.",
]


@pytest.fixture(scope="module")
def card():
    return json.loads((FOLDER / "card.json").read_text())


@pytest.fixture(scope="module")
def scores():
    texts = [*GOOD, *BAD, *PLAIN]
    return dict(zip(texts, MiniLMSentiment().score(texts), strict=True))


def test_shipped_files_are_at_most_two_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 2_000_000


def test_card_and_files_agree(card):
    weights = {file.name for file in FOLDER.glob("*.safetensors")}
    assert set(card["files"]) == weights
    for name, digest in card["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_card_says_what_the_training_material_says_of_itself(card):
    file = Path(__file__).parents[3] / "benchmarks" / "training" / "about.toml"
    about = tomllib.loads(file.read_text())
    assert {key: card[key] for key in about} == {
        **about,
        "training_cutoff": str(about["training_cutoff"]),
    }


def test_every_confusion_matrix_counts_all_its_sentences(card):
    for measured in card["evaluation"]["phrasebank"]["levels"].values():
        assert sum(map(sum, measured["confusion"])) == measured["n"]
        right = sum(row[place] for place, row in enumerate(measured["confusion"]))
        assert measured["accuracy"] == pytest.approx(right / measured["n"], abs=1e-4)


@pytest.mark.parametrize("text", GOOD)
def test_good_news_is_positive(scores, text):
    assert scores[text][:3].argmax() == 2
    assert scores[text][3] > 0


@pytest.mark.parametrize("text", BAD)
def test_bad_news_is_negative(scores, text):
    assert scores[text][:3].argmax() == 0
    assert scores[text][3] < 0


@pytest.mark.parametrize("text", PLAIN)
def test_plain_fact_is_neutral(scores, text):
    assert scores[text][:3].argmax() == 1


def test_direction_of_amounts_alone_turns_the_sign():
    up, down = MiniLMSentiment().score(
        [
            "Net sales were EUR 9.3 mn, compared with EUR 7.1 mn a year earlier.",
            "Net sales were EUR 7.1 mn, compared with EUR 9.3 mn a year earlier.",
        ]
    )
    assert up[3] > 0 > down[3]
