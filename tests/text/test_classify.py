import json
import shutil

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from finstrat.errors import DataError
from finstrat.text.checkpoint import quiet_transformers
from finstrat.text.classify import Classifier, model_labels

TEXTS = [
    "Profit rose sharply in the third quarter.",
    "Shares plunge.",
    "The annual meeting is on Tuesday.",
    "Sales fell.",
    "The board of directors proposed to the general meeting that no dividend be paid this year.",
]


@pytest.fixture(scope="module")
def copy(classifier_directory, tmp_path_factory):
    """Copies the classifier with other contents of `config.json`."""

    def make(**changes):
        target = tmp_path_factory.mktemp("copy") / "model"
        shutil.copytree(classifier_directory, target)
        config = json.loads((target / "config.json").read_text()) | changes
        (target / "config.json").write_text(json.dumps(config))
        return target

    return make


def test_probabilities_equal_those_of_the_stock_forward(classifier_directory):
    found = Classifier(classifier_directory, dtype="fp32").probabilities(TEXTS)
    with quiet_transformers(), torch.inference_mode():
        tokenizer = AutoTokenizer.from_pretrained(classifier_directory)
        stock = AutoModelForSequenceClassification.from_pretrained(classifier_directory).eval()
        expected = torch.cat(
            [stock(**tokenizer(text, return_tensors="pt")).logits.softmax(1) for text in TEXTS]
        )
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_probabilities_depend_on_their_text_alone_bit_for_bit(classifier_directory, dtype):
    classifier = Classifier(classifier_directory, dtype=dtype)
    alone = torch.cat([classifier.probabilities([text]) for text in TEXTS])
    rows = torch.randint(len(TEXTS), (60,), generator=torch.Generator().manual_seed(3))
    assert torch.equal(classifier.probabilities([TEXTS[row] for row in rows]), alone[rows])


def test_blank_text_is_unknown_and_an_empty_list_gives_no_rows(classifier_directory):
    classifier = Classifier(classifier_directory)
    assert classifier.probabilities(["", " \n"]).isnan().all()
    assert classifier.probabilities([]).shape == (0, 3)


def test_long_text_counts_by_its_beginning(classifier_directory):
    classifier = Classifier(classifier_directory)
    beginning = "profit rose " * classifier.max_tokens
    long = classifier.probabilities([beginning, beginning + "bankruptcy " * 10_000])
    assert torch.equal(long[0], long[1])


def test_decoder_without_a_pad_token_reads_the_last_token(classifier_directory, tmp_path):
    torch.manual_seed(1)
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(classifier_directory)
        config = GPT2Config(
            vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=64
        )
        config.id2label = {0: "bad", 1: "good"}
        model = GPT2ForSequenceClassification(config).eval()
        model.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        with torch.inference_mode():
            expected = torch.cat(
                [model(tokenizer(text, return_tensors="pt")["input_ids"]).logits for text in TEXTS]
            ).softmax(1)
    classifier = Classifier(tmp_path, dtype="fp32")
    assert classifier.max_tokens == 64
    torch.testing.assert_close(classifier.probabilities(TEXTS), expected, atol=2e-6, rtol=0)


def test_labels_are_read_without_the_weights(classifier_directory, copy):
    assert model_labels(classifier_directory) == ("Positive", "Negative", "Neutral")
    with pytest.raises(DataError, match="is this a sequence classifier"):
        model_labels(copy(id2label={"0": "only"}))
    with pytest.raises(DataError, match="multi_label_classification model"):
        model_labels(copy(problem_type="multi_label_classification"))


def test_weights_without_the_classifier_are_refused(copy):
    from safetensors.torch import load_file, save_file

    directory = copy()
    weights = load_file(directory / "model.safetensors")
    kept = {key: value for key, value in weights.items() if not key.startswith("classifier.")}
    save_file(kept, directory / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"weights lack classifier\.bias, classifier\.weight"):
        Classifier(directory)


def test_another_number_of_classes_than_the_weights_have_is_refused(copy):
    with pytest.raises(DataError, match=r"lack classifier|can't load"):
        Classifier(copy(id2label={"0": "a", "1": "b"}))


def test_pickled_weights_are_refused(copy):
    directory = copy()
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(DataError, match="pickled weights are never loaded"):
        Classifier(directory)


def test_code_that_comes_with_a_model_is_not_run(copy, tmp_path):
    trace = tmp_path / "it-ran"
    directory = copy(
        model_type="strange",
        auto_map={
            "AutoConfig": "code.Config",
            "AutoModelForSequenceClassification": "code.Model",
        },
    )
    (directory / "code.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    with pytest.raises(DataError, match="auto_map asks for code"):
        Classifier(directory)
    assert not trace.exists()
