"""Runs a plan's signals: in which order, on which scores, and whether they kept their word.

It knows nothing of what a strategy makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from finstrat.errors import ConfigError, DataError, PluginError, did_you_mean
from finstrat.faults import told_of
from finstrat.text.rules import documents_met, ruled
from finstrat.text.scoring import score_documents
from finstrat.validate.output import checked_output

if TYPE_CHECKING:
    from finstrat.components import Inputs, Signal
    from finstrat.config import Plan
    from finstrat.data import Documents
    from finstrat.fitting import Fit
    from finstrat.text.cache import ScoreCache
    from finstrat.text.card import ModelCard

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

Features = dict[str, torch.Tensor]
"""Outputs of signals by "signal.output", `[T, N]` or `[T]`, float64."""

Fits = dict[str, "list[Fit]"]
"""What was fitted, by the signal's name in the backtest file; in order of time."""


class Scores:
    """Scores all the documents of a run, each scorer once; counts what was scored and reused."""

    def __init__(
        self,
        plan: Plan,
        documents: Documents,
        *,
        cache: ScoreCache | None,
        device: torch.device,
        progress: Progress,
    ) -> None:
        self.device = device
        self.cards: dict[str, ModelCard] = {}
        self.usage: dict[str, dict[str, float]] = {}
        self.rules: dict[str, dict[str, dict[str, int]]] = {}
        self.unique = self.scored = self.cached = 0
        self._plan = plan
        self._documents = documents
        self._cache = cache
        self._progress = progress
        self._known: dict[str, torch.Tensor] = {}

    def __call__(self, name: str) -> torch.Tensor:
        """The scores of every document, `[D, K]`."""
        if name in self._known:
            return self._known[name]
        if name not in self._plan.scorers:
            raise ConfigError(f'no scorer "{name}"{did_you_mean(name, self._plan.scorers)}')
        scorer = self._plan.scorers[name]
        scorer.to(self.device)
        with told_of(self._plan, f"scorers.{name}"):
            scored = score_documents(
                scorer,
                self._documents.texts,
                cache=self._cache,
                progress=lambda done, total: self._progress(f"scoring with {name}", done, total),
            )
        self.unique += scored.unique
        self.scored += scored.scored
        self.cached += scored.cached
        self.cards[name] = scorer.card
        if scorer.usage:
            self.usage[name] = scorer.usage
        self._known[name] = self._held(name, scored.values)
        return self._known[name]

    def _held(self, name: str, values: torch.Tensor) -> torch.Tensor:
        """The scores under the rules of the backtest file, whose use is counted."""
        rules = [each for each in self._plan.config.rules if each.scorer in {None, name}]
        if not rules:
            return values
        met = documents_met(rules, self._documents.texts, self._documents.kinds)
        held = ruled(values, rules, met, outputs=self._plan.scorers[name].outputs, scorer=name)
        self.rules[name] = held.usage
        return held.values


def signal_order(signals: Mapping[str, Signal]) -> list[str]:
    """Every signal after those whose outputs it needs; otherwise in the order of the file.

    Raises:
        ConfigError: a signal needs one that isn't there, or signals need each other in a circle.
    """
    order: list[str] = []
    waiting = dict(signals)
    while waiting:
        ready = [
            name
            for name, signal in waiting.items()
            if all(need.partition(".")[0] in order for need in signal.needs if "." in need)
        ]
        if not ready:
            name, signal = next(iter(waiting.items()))
            needed = next(n for n in signal.needs if "." in n and n.partition(".")[0] not in order)
            other = needed.partition(".")[0]
            if other in waiting:
                raise ConfigError(f"signals.{name}: needs {needed}, which in turn needs {name}")
            raise ConfigError(
                f'signals.{name}: needs {needed}, but no signal is called "{other}"'
                f"{did_you_mean(other, signals)}"
            )
        order.append(ready[0])
        del waiting[ready[0]]
    return order


def lead_sessions(plan: Plan) -> int:
    """How many sessions before the evaluated span signals, strategy and optimizer look back."""
    memory: dict[str, int] = {}
    for name in signal_order(plan.signals):
        signal = plan.signals[name]
        before = [memory[need.partition(".")[0]] for need in signal.needs if "." in need]
        memory[name] = signal.warmup + max(before, default=0)
    window = plan.optimizer.window if plan.optimizer else 0
    return max(window, plan.strategy.warmup + max(memory.values(), default=0))


def compute_signals(
    plan: Plan,
    inputs: Inputs,
    *,
    given: Mapping[str, torch.Tensor] | None = None,
    fits: Fits | None = None,
) -> Features:
    """Every output of every signal, by "signal.output": `[T, N]` or `[T]`, float64.

    A signal whose outputs are all in `given` isn't computed; the others see those instead. What was
    fitted on the way is added to `fits`.

    Raises:
        FinstratError: a signal needs something that this run doesn't have, raised, or gave another
            shape, dtype or device than it declares, or an infinity; the message says which signal,
            and its plugin, version and file.
    """
    features: Features = {}
    for name in signal_order(plan.signals):
        signal = plan.signals[name]
        keys = [f"{name}.{output}" for output in signal.outputs]
        if given is not None and all(key in given for key in keys):
            features.update({key: given[key] for key in keys})
            continue
        done: list[Fit] = []
        so_far = replace(inputs, features=dict(features), fitted=done.append)
        with told_of(plan, f"signals.{name}"):
            _check_needs(signal, so_far)
            whole = checked_output(signal, signal.compute(so_far), inputs)
        features.update({key: whole[..., k] for k, key in enumerate(keys)})
        if done and fits is not None:
            fits[name] = done
    return features


def _check_needs(signal: Signal, inputs: Inputs) -> None:
    """Refuse a signal whose `needs` this run doesn't have."""
    for need in signal.needs:
        if need == "documents":
            if not len(inputs.documents):
                raise DataError("reads documents, but the run has none in its span")
        elif need == "facts":
            if not len(inputs.facts):
                raise DataError("reads facts, but the run has none in its span")
        elif "." in need:
            inputs.feature(need)
        elif need not in inputs.panel.fields:
            hint = did_you_mean(need, inputs.panel.fields)
            raise DataError(f'the price source has no field "{need}"{hint}')


def check_known(plan: Plan, features: Features) -> None:
    """Refuse a signal that is unknown throughout, since nothing could be traded on it.

    Raises:
        PluginError: all outputs of a signal are NaN at every session; the message says which
            signal, and its plugin, version and file.
    """
    for name, signal in plan.signals.items():
        values = [features[f"{name}.{output}"] for output in signal.outputs]
        if all(bool(each.isnan().all()) for each in values):
            with told_of(plan, f"signals.{name}"):
                raise PluginError(
                    f"unknown (NaN) at all {len(values[0])} sessions, of which its warm-up takes "
                    f"{signal.warmup}; look at what it reads"
                )


def text_signals(plan: Plan) -> list[str]:
    """The signals that read documents themselves, by their names in the backtest file."""
    return [name for name, signal in plan.signals.items() if "documents" in signal.needs]


def untouched(features: Features, signals: Mapping[str, Signal], roots: list[str]) -> Features:
    """The outputs of signals that neither are among `roots` nor use any of them, at any remove."""
    return {
        key: values
        for key, values in features.items()
        if not _rests_on(signals, key.partition(".")[0], roots)
    }


def _rests_on(signals: Mapping[str, Signal], name: str, roots: list[str]) -> bool:
    needed = [need.partition(".")[0] for need in signals[name].needs if "." in need]
    return name in roots or any(_rests_on(signals, other, roots) for other in needed)
