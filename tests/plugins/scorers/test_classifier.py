import datetime as dt

import pytest
import torch
from finstrat_plugins.scorers.encoder_head import EncoderHead
from finstrat_plugins.scorers.transformers_classifier import TransformersClassifier

import finstrat
from finstrat.errors import ConfigError, DataError
from finstrat.models.heads import Head

GOOD, BAD = "Profit rose sharply in the third quarter.", "The company filed for bankruptcy."
PLAIN = "The annual meeting is on Tuesday."


@pytest.fixture(scope="module")
def scorer(classifier_directory):
    return TransformersClassifier({"path": classifier_directory})


def test_outputs_are_the_labels_in_one_order_with_their_polarity(scorer):
    assert scorer.outputs == ("negative", "neutral", "positive", "score")
    scores = scorer.score([BAD, PLAIN, GOOD])
    assert scores.dtype == torch.float32
    assert scores[:, :3].argmax(dim=1).tolist() == [0, 1, 2]
    assert torch.equal(scores[:, 3], scores[:, 2] - scores[:, 0])


def test_labels_can_be_renamed(classifier_directory, scorer):
    names = {"Positive": "hawkish", "Negative": "dovish"}
    renamed = TransformersClassifier({"path": classifier_directory, "labels": names})
    assert renamed.outputs == ("neutral", "hawkish", "dovish")
    assert renamed.fingerprint != scorer.fingerprint
    assert torch.equal(renamed.score([GOOD])[0], scorer.score([GOOD])[0, [1, 2, 0]])


def test_labels_that_say_nothing_or_do_not_exist_are_refused(classifier_directory):
    with pytest.raises(ConfigError, match='no label "Bullish"; it has Positive, Negative, Neutral'):
        TransformersClassifier({"path": classifier_directory, "labels": {"Bullish": "positive"}})
    with pytest.raises(ConfigError, match="expected different names"):
        TransformersClassifier({"path": classifier_directory, "labels": {"Neutral": "positive"}})
    with pytest.raises(ConfigError, match="doesn't say what they mean"):
        TransformersClassifier({"path": classifier_directory, "labels": {"Neutral": "label_0"}})


def test_undeclared_cutoff_is_unknown(classifier_directory, scorer):
    assert scorer.card.training_cutoff is None
    day = dt.date(2020, 6, 30)
    told = TransformersClassifier({"path": classifier_directory, "training_cutoff": day})
    assert told.card.training_cutoff == day
    assert told.fingerprint == scorer.fingerprint


def test_backtest_reads_a_classifier_by_its_path(
    world, classifier_directory, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    world["scorers"] = {
        "tone": {"use": "transformers-classifier", "path": str(classifier_directory)}
    }
    world["signals"]["news"]["scorer"] = "tone"
    result = finstrat.run(world)
    [card] = result.cards
    assert (card.name, card.training_cutoff) == ("transformers-classifier", None)
    assert "negative, neutral, positive, score" in card.summary


def make_head(directory, width):
    torch.manual_seed(2)
    weight = torch.randn(3, width, dtype=torch.float64)
    classes = ("negative", "neutral", "positive")
    Head(weight, torch.zeros(3, dtype=torch.float64), classes, {"licence": "CC0"}).save(directory)
    return directory


def test_encoder_head_works_on_any_encoder_directory(classifier_directory, tmp_path):
    # The fine-tuned classifier is an encoder, too; its own head is left aside.
    head = make_head(tmp_path / "head", 384)
    bundled = EncoderHead({"head": head})
    other = EncoderHead({"head": head, "path": classifier_directory})
    assert bundled.outputs == ("negative", "neutral", "positive", "score")
    assert bundled.fingerprint != other.fingerprint
    scores = other.score([GOOD, BAD])
    assert not torch.equal(scores, bundled.score([GOOD, BAD]))
    assert torch.equal(scores[:1], other.score([GOOD]))
    assert torch.allclose(scores[:, :3].sum(dim=1), torch.ones(2))


def test_encoder_head_says_nothing_that_the_card_does_not(tmp_path):
    card = EncoderHead({"head": make_head(tmp_path, 384)}).card
    assert (card.licence, card.training_cutoff) == ("CC0", None)
    assert card.training_data == ("not stated by the model's card",)


def test_head_of_another_width_is_refused(tmp_path):
    scorer = EncoderHead({"head": make_head(tmp_path, 100)})
    with pytest.raises(DataError, match="vectors of 100 numbers, but the encoder in .* gives 384"):
        scorer.score([GOOD])
