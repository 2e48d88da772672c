"""How well scorers tell negative, neutral and positive texts apart, as one table.

    python benchmarks/scorers.py FILE --scorer minilm-sentiment --scorer lm-lexicon
        [--set NAME.OPTION=VALUE] [--cache scores.sqlite] [--json results.json]

FILE is CSV or Parquet with the columns `text` and `label`; with a column `agreement` (per cent of
the annotators) the measures are repeated for each level, "66" meaning at least 66 %. Texts are
cleaned as they are for every run. Nothing is fitted here: a file of this form that is marked for
evaluation may be measured on as often as one likes, but no choice may be made by it.

A scorer with the outputs negative, neutral and positive answers with its likeliest class. Any other
is read by its last output: above 0.05 positive, below -0.05 negative (the bounds that VADER's
authors recommend), else neutral; it states no probability, so it has no calibration error. A text
that a scorer leaves unknown counts as a wrong answer.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from finstrat.components import Scorer
from finstrat.data.frames import read_table, require_columns
from finstrat.errors import DataError
from finstrat.host import Host
from finstrat.text import ScoreCache, score_documents

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = ("negative", "neutral", "positive")
BOUND = 0.05
UNKNOWN = len(CLASSES)
BINS = 10


@dataclass(frozen=True)
class Answers:
    """What a scorer said: class codes `[D]` (3 = unknown) and, where it states one, confidence."""

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64] | None
    seconds: float
    scored: int


def answers(scorer: Scorer, texts: list[str], cache: ScoreCache | None) -> Answers:
    """The classes that `scorer` gives to `texts`."""
    started = time.perf_counter()
    done = score_documents(scorer, texts, cache=cache)
    seconds = time.perf_counter() - started
    values = done.values.double().numpy()
    if set(CLASSES) <= set(scorer.outputs):
        chances = values[:, [scorer.outputs.index(name) for name in CLASSES]]
        unknown = np.isnan(chances).any(axis=1)
        codes = np.where(unknown, UNKNOWN, chances.argmax(axis=1))
        return Answers(codes, chances.max(axis=1), seconds, done.scored)
    tone = values[:, -1]
    codes = np.select([np.isnan(tone), tone < -BOUND, tone > BOUND], [UNKNOWN, 0, 2], default=1)
    return Answers(codes, None, seconds, done.scored)


def measures(given: Answers, truth: NDArray[np.int64], rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy with its standard error, macro-F1, calibration error, reliability, confusion."""
    codes, wanted = given.codes[rows], truth[rows]
    right = codes == wanted
    names = np.arange(len(CLASSES))
    found = {
        "n": len(wanted),
        "unknown": int((codes == UNKNOWN).sum()),
        "accuracy": float(right.mean()),
        "standard_error": float(np.sqrt(right.mean() * (1 - right.mean()) / len(right))),
        "macro_f1": float(f1_score(wanted, codes, average="macro", labels=names, zero_division=0)),
        "ece": None,
        "reliability": None,
        # Rows are the true classes; the last column holds the unknown.
        "confusion": confusion_matrix(wanted, codes, labels=[*names, UNKNOWN])[:-1].tolist(),
    }
    if given.confidence is not None:
        known = codes != UNKNOWN
        found["reliability"] = reliability(given.confidence[rows][known], right[known])
        found["ece"] = sum(
            each["n"] * abs(each["accuracy"] - each["confidence"]) for each in found["reliability"]
        ) / max(int(known.sum()), 1)
    return found


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> list[dict[str, float]]:
    """Of each tenth of confidence that occurs: texts, mean confidence, share of right answers."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "from": each / BINS,
            "n": int((bins == each).sum()),
            "confidence": float(confidence[bins == each].mean()),
            "accuracy": float(right[bins == each].mean()),
        }
        for each in np.unique(bins).tolist()
    ]


def labelled(path: Path) -> tuple[list[str], NDArray[np.int64], dict[str, NDArray[np.bool_]]]:
    """Texts, class codes, and the rows of each level of agreement ("all" where there is none)."""
    frame = read_table(path)
    require_columns(frame, ("text", "label"), where=str(path))
    strange = sorted(set(frame["label"]) - set(CLASSES))
    if strange:
        raise DataError(f"{path}: label {strange[0]!r}; expected one of: {', '.join(CLASSES)}")
    truth = np.array([CLASSES.index(label) for label in frame["label"]], dtype=np.int64)
    levels = {"all": np.ones(len(frame), dtype=bool)}
    if "agreement" in frame.columns:
        agreement = frame["agreement"].to_numpy(dtype=np.int64)
        levels = {str(level): agreement >= level for level in np.unique(agreement).tolist()}
    return [str(text) for text in frame["text"]], truth, levels


def options(settings: list[str], name: str) -> dict[str, Any]:
    """The options `NAME.OPTION=VALUE` of one scorer; values are JSON where they parse as such."""
    found: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        owner, _, option = key.partition(".")
        if owner == name:
            try:
                found[option] = json.loads(value)
            except json.JSONDecodeError:
                found[option] = value
    return found


def show(name: str, results: dict[str, dict[str, Any]], given: Answers) -> None:
    """One row a level of agreement, then the confusion at the lowest."""
    for level, found in results.items():
        error = "–" if found["ece"] is None else f"{found['ece']:.3f}"
        print(
            f"| `{name}` | {level} | {found['n']:,} | {found['accuracy']:.3f} ± "
            f"{found['standard_error']:.3f} | {found['macro_f1']:.3f} | {error} |",
            flush=True,
        )
    lowest = next(iter(results.values()))
    print(f"  {name}: confusion (rows true, columns said, last unknown): {lowest['confusion']}")
    rate = f"{given.scored / given.seconds:,.0f}/s" if given.scored else "all from the cache"
    print(f"  {name}: {given.scored:,} distinct texts scored in {given.seconds:.1f} s, {rate}")


def main() -> None:
    """Measure each scorer in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--scorer", action="append", required=True, metavar="NAME")
    parser.add_argument("--set", action="append", default=[], metavar="NAME.OPTION=VALUE")
    parser.add_argument("--cache", type=Path, help="keep and reuse scores in this file")
    parser.add_argument("--json", type=Path, help="write everything measured here")
    told = parser.parse_args()

    texts, truth, levels = labelled(told.file)
    host = Host.load()
    everything = {}
    print("| scorer | agreement | n | accuracy ± s.e. | macro-F1 | ECE |")
    print("|---|---|---|---|---|---|")
    for name in told.scorer:
        component = host.get(Scorer, name).component(options(told.set, name))
        assert isinstance(component, Scorer)
        if told.cache:
            with ScoreCache(told.cache) as cache:
                given = answers(component, texts, cache)
        else:
            given = answers(component, texts, None)
        results = {level: measures(given, truth, rows) for level, rows in levels.items()}
        everything[name] = {"fingerprint": component.fingerprint, "levels": results}
        show(name, results, given)
    if told.json:
        told.json.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
