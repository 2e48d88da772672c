"""Rules that hold a score to what is known of its text: a cap, a floor, a fixed value, a veto.

A rule looks at one document alone, at its words and its kind, so a ruled score sees no more of the
future than the score did. Rules are written by people, who know the world: what a rule was written
for, it remembers. Nothing here knows scorers, caches or time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator

from finstrat.components import Settings
from finstrat.errors import ConfigError, did_you_mean
from finstrat.text.clean import clean
from finstrat.text.events import EVENTS, event_types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Rule(Settings):
    """One rule of a backtest file: which documents it is about, and what their score may be."""

    name: str = Field(min_length=1, description="what the rule says, as the report shows it")
    scorer: str | None = Field(None, description="the scorer it holds; all by default")
    pattern: str | None = Field(
        None, description="regular expression found in the cleaned text, in any case"
    )
    event: str | None = Field(None, description=f"kind of event told of: {', '.join(EVENTS)}")
    kind: str | None = Field(None, description="kind of document, like 8-K, as its source says")
    output: str = Field("score", description="the scorer's output that is held")
    at_most: float | None = Field(None, description="cap")
    at_least: float | None = Field(None, description="floor")
    value: float | None = Field(None, description="the output, whatever the scorer says")
    veto: bool = Field(default=False, description="the whole score counts as unknown")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    @field_validator("event")
    @classmethod
    def _is_an_event(cls, event: str | None) -> str | None:
        if event is not None and event not in EVENTS:
            raise ValueError(f'no event "{event}"{did_you_mean(event, EVENTS)}')
        return event

    @model_validator(mode="after")
    def _says_when_and_what(self) -> Self:
        if self.pattern is None and self.event is None and self.kind is None:
            raise ValueError("expected pattern, event or kind, to say which documents it is about")
        bounds = self.at_most is not None or self.at_least is not None
        if bounds + (self.value is not None) + self.veto != 1:
            raise ValueError("expected one of: at_most and/or at_least, value, veto = true")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least} lies above at_most {self.at_most}")
        return self

    def holds(self, text: str, kind: str) -> bool:
        """Whether a document of this raw text and kind is one that the rule is about."""
        return (
            (self.kind is None or kind == self.kind)
            and (self.event is None or self.event in event_types(text))
            and (self.pattern is None or bool(re.search(self.pattern, clean(text), re.IGNORECASE)))
        )


@dataclass(frozen=True, eq=False)
class Ruled:
    """Scores under rules.

    Attributes:
        values: `[D, K]`, a new tensor.
        usage: of each rule by name, the documents it was `met` by, and those whose score it
            `changed`.
    """

    values: torch.Tensor
    usage: dict[str, dict[str, int]]


def ruled(
    scores: torch.Tensor,
    rules: Sequence[Rule],
    met: Mapping[str, NDArray[np.bool_]],
    *,
    outputs: Sequence[str],
    scorer: str,
) -> Ruled:
    """`scores` `[D, K]` after every rule in turn; an unknown score stays unknown.

    `met` says of each rule, by name, which documents it is about, `[D]`.

    Raises:
        ConfigError: a rule is about an output that this scorer doesn't have.
    """
    values = scores.clone()
    usage = {}
    for rule in rules:
        if rule.output not in outputs and not rule.veto:
            hint = did_you_mean(rule.output, outputs)
            raise ConfigError(
                f'rule "{rule.name}": scorer "{scorer}" has no output "{rule.output}"{hint}; it '
                f"has {', '.join(outputs)}: name one by `output`, or another scorer by `scorer`"
            )
        about = torch.from_numpy(met[rule.name]) & ~values.isnan().all(dim=1)
        before = values.clone()
        if rule.veto:
            values[about] = torch.nan
        else:
            column = values[:, list(outputs).index(rule.output)]
            held = about & ~column.isnan()
            column[held] = _bounded(rule, column[held])
        same = (values == before) | (values.isnan() & before.isnan())
        usage[rule.name] = {"met": int(about.sum()), "changed": int((~same).any(dim=1).sum())}
    return Ruled(values, usage)


def documents_met(
    rules: Sequence[Rule], texts: Sequence[str], kinds: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Which documents each rule is about, `[D]`, by the rule's name; a text is read once."""
    found = {}
    for rule in rules:
        seen: dict[tuple[str, str], bool] = {}
        for document in zip(texts, kinds, strict=True):
            if document not in seen:
                seen[document] = rule.holds(*document)
        found[rule.name] = np.fromiter(
            (seen[each] for each in zip(texts, kinds, strict=True)), dtype=bool, count=len(texts)
        )
    return found


def require_different_names(rules: Sequence[Any]) -> None:
    """Refuse two rules of one name, whose uses couldn't be told apart.

    Raises:
        ValueError: names the first that stands twice.
    """
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'two rules are called "{twice}"; give each a name of its own')


def _bounded(rule: Rule, values: torch.Tensor) -> torch.Tensor:
    if rule.value is not None:
        return torch.full_like(values, rule.value)
    return values.clamp(min=rule.at_least, max=rule.at_most)
