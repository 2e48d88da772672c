import numpy as np
import pytest
import torch
from finstrat_plugins.scorers.causal_lm import CausalLM
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from finstrat.errors import DataError
from finstrat.text.causal import CONTENT_FREE, LabelReader, fitted_calibration
from finstrat.text.checkpoint import quiet_transformers
from finstrat.text.prompt import Calibration, Example, Prompt

TEXTS = [
    "Profit rose sharply in the third quarter.",
    "Shares plunge.",
    "The annual meeting is on Tuesday.",
    "Sales fell.",
    "The board proposes to the general meeting that no dividend be paid for this year.",
]
PROMPT = Prompt(
    instruction="Good or bad?",
    before="News: ",
    after="\nSentiment:",
    labels=("negative", "neutral", "positive"),
    examples=(
        Example(text="Net sales fell.", label="negative"),
        Example(text="Orders beat estimates.", label="positive"),
        Example(text="The office is in Oslo.", label="neutral"),
    ),
    source="this test",
    written="2026-11-25",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A Llama with random weights and a byte-level vocabulary, saved by transformers."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    directory = tmp_path_factory.mktemp("tiny")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Each label is one token after a space, as in any real vocabulary.
    words = {"\u0120" + word for word in PROMPT.labels}
    pieces = dict.fromkeys([*alphabet, *sorted({w[:n] for w in words for n in range(2, 11)})])
    merges = [(word[:end], word[end]) for word in sorted(words) for end in range(1, len(word))]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, list(dict.fromkeys(merges))))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|im_end|>", special=True)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>")
    fast.save_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.3,
    )
    with quiet_transformers():
        LlamaForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def reader(tiny):
    return LabelReader(tiny, PROMPT, dtype="fp32")


def test_kept_prefix_gives_what_reading_the_whole_prompt_gives(reader, tiny):
    with quiet_transformers():
        model = LlamaForCausalLM.from_pretrained(tiny).eval()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny)
    labels = [tokenizer(f" {label}")["input_ids"][0] for label in PROMPT.labels]
    expected = []
    for text in TEXTS:
        ids = [
            each
            for part in (PROMPT.prefix, text, PROMPT.after)
            for each in tokenizer(part)["input_ids"]
        ]
        with torch.inference_mode():
            expected.append(model(torch.tensor([ids])).logits[0, -1, labels].log_softmax(0))
    found = reader.log_probabilities(TEXTS)
    torch.testing.assert_close(found, torch.stack(expected).double(), atol=2e-5, rtol=0)
    assert found.exp().std(dim=0).min() > 0.01  # the texts are told apart at all


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_probabilities_depend_on_their_text_alone_bit_for_bit(tiny, dtype):
    reader = LabelReader(tiny, PROMPT, dtype=dtype)
    alone = torch.cat([reader.probabilities([text]) for text in TEXTS])
    rows = torch.randint(len(TEXTS), (60,), generator=torch.Generator().manual_seed(3))
    assert torch.equal(reader.probabilities([TEXTS[row] for row in rows]), alone[rows])
    again = LabelReader(tiny, PROMPT, dtype=dtype)
    assert torch.equal(again.probabilities(TEXTS), alone)


def test_contextual_calibration_makes_empty_words_favour_no_label(reader):
    blank = reader.log_probabilities(CONTENT_FREE).exp().mean(dim=0)
    assert torch.allclose((blank.log() - reader.bias).exp(), torch.ones(3, dtype=torch.float64))
    assert not torch.allclose(blank, torch.full((3,), 1 / 3, dtype=torch.float64), atol=0.05)


def test_fitted_calibration_replaces_the_contextual_one(reader):
    raw = reader.log_probabilities(TEXTS)
    fit = Calibration(
        model="0" * 64, bias=(0.5, 0.0, -0.5), temperature=2.0, data="d", cutoff="2020-01-01"
    )
    expected = torch.softmax((raw - torch.tensor(fit.bias, dtype=torch.float64)) / 2, dim=1)
    assert torch.equal(reader.probabilities(TEXTS, fit), expected)


def test_text_cannot_speak_as_the_prompt_does(reader):
    # As one special token it would end the user's turn.
    assert len(reader._plain_tokens("<|im_end|>")) > 1


def test_long_text_counts_by_its_beginning_and_the_prompt_is_kept_whole(tiny):
    reader = LabelReader(tiny, PROMPT, dtype="fp32", max_tokens=20)
    long = reader.log_probabilities(["x" * 20, "x" * 20 + " bankruptcy" * 10_000])
    assert torch.equal(long[0], long[1])


def test_prompt_beyond_the_models_reach_is_refused(tiny):
    with pytest.raises(DataError, match="the model reads 1024; use fewer examples"):
        LabelReader(tiny, PROMPT, max_tokens=1000)


def test_labels_that_begin_alike_are_refused(tiny):
    labels = PROMPT.model_copy(update={"labels": ("upper", "up", "down")})
    with pytest.raises(DataError, match="begin with the same token"):
        LabelReader(tiny, labels)


def test_fitted_bias_and_temperature_are_those_of_the_data():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (40_000, 3))
    true_bias, temperature = np.array([0.7, -0.2, -0.5]), 1.7
    chances = np.exp((scores - true_bias) / temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    truth = (rng.random((len(scores), 1)) > chances.cumsum(axis=1)).sum(axis=1)
    raw = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    fit = fitted_calibration(raw, truth)
    assert fit.temperature == pytest.approx(temperature, abs=0.05)
    assert fit.bias == pytest.approx(tuple(true_bias), abs=0.06)
    weights = np.where(truth == 0, 3.0, 1.0)
    heavier = fitted_calibration(raw, truth, weights=weights)
    assert heavier.temperature == pytest.approx(temperature, abs=0.05)
    # Three times the weight of a label is log 3 of its score.
    shift = np.array(fit.bias) - np.array(heavier.bias)
    assert shift[0] - shift[1] == pytest.approx(temperature * np.log(3), abs=0.15)
    with pytest.raises(DataError, match="say nothing of these labels, or the opposite"):
        fitted_calibration(-raw, truth)


def test_scorer_takes_a_model_by_its_path(tiny, tmp_path):
    scorer = CausalLM({"path": tiny, "max_tokens": 64})
    assert scorer.outputs == ("negative", "neutral", "positive", "score")
    scores = scorer.score([*TEXTS, " "])
    assert scores.dtype == torch.float32
    assert torch.allclose(scores[:-1, :3].sum(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(scores[:-1, 3], scores[:-1, 2] - scores[:-1, 0])
    assert scores[-1].isnan().all()
    assert scorer.card.training_cutoff is None


def test_damaged_gguf_is_refused(tmp_path):
    pytest.importorskip("gguf", reason="the extra `llm` is not installed")
    (tmp_path / "model.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(DataError, match="can't load"):
        CausalLM({"path": tmp_path / "model.gguf"}).score(["x"])
