"""An exported file says what the model says, alone or padded, or isn't written."""

import shutil

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from finstrat.errors import DataError
from finstrat.models.compress import Settings, compress, save_head
from finstrat.models.export import (
    Exported,
    export,
    require_equal,
    require_same_answers,
    round_to_int8,
)
from finstrat.models.heads import Head
from finstrat.models.scratch import trained_tokenizer
from finstrat.models.trained import load_trained

TEXTS = [f"profit rose {n} and {n} again" * (n % 3 + 1) for n in range(12)] + ["loss fell"] * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp("model")
    tokenizer = trained_tokenizer(TEXTS, vocabulary=100)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    weight = 10 * torch.randn(3, 32).double()
    Head(weight, torch.zeros(3).double(), ("negative", "neutral", "positive"), {}).save(directory)
    return load_trained(directory, dtype="fp32")


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("exported")
    export(model, directory)
    assert sorted(each.name for each in directory.iterdir()) == ["model.onnx", "tokenizer.json"]
    return directory


@pytest.fixture(scope="module")
def exported(directory):
    return Exported.load(directory)


def test_the_file_says_what_the_model_says(model, exported):
    assert require_equal(model, exported, TEXTS, tolerance=1e-5) < 1e-5


@pytest.mark.slow
def test_a_model_without_some_heads_is_exported_too(model, tmp_path):
    small = tmp_path / "small"
    compress(model, Settings("heads", epochs=1), small, work=tmp_path / "work", texts=TEXTS)
    save_head(model, {}, small)
    export(load_trained(small, dtype="fp32"), tmp_path / "exported")
    served = Exported.load(tmp_path / "exported")
    assert require_equal(load_trained(small, dtype="fp32"), served, TEXTS, tolerance=1e-5) < 1e-5


def test_padding_moves_nothing(exported):
    alone = np.concatenate([exported.probabilities([each]) for each in TEXTS])
    assert np.allclose(alone, exported.probabilities(TEXTS), atol=1e-6)


def test_of_a_text_beyond_the_input_only_the_beginning_is_read(exported):
    long = "profit rose " * 200
    assert exported.cut([*TEXTS, long]).tolist() == [False] * len(TEXTS) + [True]
    assert exported.probabilities([long]).shape == (1, 3)


def test_a_file_that_says_something_else_is_refused(model, exported):
    other = load_trained(model.directory, dtype="fp32")
    other.head.bias[0] += 1
    with pytest.raises(DataError, match="moves a probability"):
        require_equal(other, exported, TEXTS, tolerance=1e-4)


def test_a_rounded_file_is_smaller_and_judged_by_its_answers(
    model, directory, exported, tmp_path, capfd
):
    shutil.copytree(directory, tmp_path / "int8")
    round_to_int8(tmp_path / "int8")
    assert capfd.readouterr().err == ""
    sizes = [(each / "model.onnx").stat().st_size for each in (directory, tmp_path / "int8")]
    assert sizes[1] < sizes[0]
    rounded = Exported.load(tmp_path / "int8")
    gap = np.abs(rounded.probabilities(TEXTS) - exported.probabilities(TEXTS)).max()
    assert 1e-6 < gap < 0.2
    assert require_same_answers(model, exported, TEXTS, changed=0.0) == 0.0


def test_more_changed_answers_than_were_asked_for_are_refused(model, exported):
    other = load_trained(model.directory, dtype="fp32")
    order = other.probabilities(TEXTS)[0].argsort()
    other.head.bias[order[0]] += 100  # now every answer is another
    with pytest.raises(DataError, match=r"changes 1\d of 15 answers"):
        require_same_answers(other, exported, TEXTS, changed=0.5)
