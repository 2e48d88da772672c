"""Fits bias and temperature of a few-shot prompt to labelled texts, as TOML for the prompt's file.

    python benchmarks/calibrate_prompt.py FILE [--prompt PROMPT] [--path MODEL] [--equal-labels]

With --equal-labels every label counts the same in the fit, however rare it is: fewer texts are
called by the commonest label, and probabilities are right where labels are equally frequent.

FILE is CSV or Parquet with the columns `text` and `label`, of a licence that lets the result be
used; never a file that is marked for evaluation. Printed measures are of the fit itself, on the
texts that it was fitted to: three numbers from a thousand texts flatter little, but they do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from finstrat_plugins.scorers.causal_lm import CausalLM

from finstrat.data.frames import read_table, require_columns
from finstrat.models.heads import measure
from finstrat.text import clean
from finstrat.text.causal import fitted_calibration
from finstrat.text.checkpoint import checkpoint_digest


def main() -> None:
    """Fit, and print what to paste."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--prompt", type=Path)
    parser.add_argument("--path", type=Path, help="the model; SmolLM2 if left out")
    parser.add_argument("--equal-labels", action="store_true", help="weigh rare labels up")
    told = parser.parse_args()

    scorer = CausalLM({"prompt": told.prompt, "path": told.path})
    labels = scorer.prompt.labels
    frame = read_table(told.file)
    require_columns(frame, ("text", "label"), where=str(told.file))
    strange = sorted(set(map(str, frame.label)) - set(labels))
    if strange:
        parser.error(f"{told.file}: labels {strange[:5]}; the prompt knows {', '.join(labels)}")
    # A text that stands twice counts once.
    known = {clean(str(text)): label for text, label in zip(frame.text, frame.label, strict=True)}
    truth = np.array([labels.index(label) for label in known.values()], dtype=np.int64)
    reader = scorer.reader()
    raw = reader.log_probabilities(list(known)).numpy()
    weights = 1 / np.bincount(truth)[truth] if told.equal_labels else None
    fit = fitted_calibration(raw, truth, weights=weights)
    for name, scores in (
        ("as read", raw),
        ("contextual", raw - reader.bias.numpy()),
        ("fitted", (raw - np.array(fit.bias)) / fit.temperature),
    ):
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        quality = measure(chances, truth)
        print(
            f"# {name}: accuracy {quality.accuracy:.3f}, macro-F1 {quality.macro_f1:.3f}, "
            f"ECE {quality.ece:.3f}, confusion {quality.confusion}"
        )
    print("\n[[calibration]]")
    print(f'model = "{checkpoint_digest(scorer.checkpoint)}"')
    print(f"bias = {[round(each, 4) for each in fit.bias]}")
    print(f"temperature = {fit.temperature:.4f}")
    print(f'data = "{told.file.name}, {len(known):,} texts: say whose and under which licence"')
    # No date of ours could be right: the prompt's file is refused until one stands there.
    print("cutoff =  # the latest date that these texts can know of")


if __name__ == "__main__":
    main()
