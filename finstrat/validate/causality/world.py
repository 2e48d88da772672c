"""Everything a signal or strategy may see, as a value that can be cut, shifted and rearranged.

Every view is a new world; none is changed in place. A view knows nothing of what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, align
from finstrat.data.panel import PRICES
from finstrat.text.scoring import score_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.data.labels import Fill
    from finstrat.text.cache import ScoreCache


class Scoring:
    """Scores of texts by named scorers, each distinct text scored once.

    A score depends on its text alone, so one memory serves every view of a world. `scorer` gives
    the scorer of a name; `used` holds those that were asked for.
    """

    def __init__(
        self,
        scorer: Callable[[str], Scorer],
        *,
        cache: ScoreCache | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.used: dict[str, Scorer] = {}
        self._scorer = scorer
        self._cache = cache
        self._progress = progress
        self._rows: dict[str, dict[str, int]] = {}
        self._values: dict[str, torch.Tensor] = {}

    def __call__(self, name: str, texts: Sequence[str]) -> torch.Tensor:
        """The scores of `texts` by the scorer called `name`, `[D, K]`."""
        if name not in self.used:
            scorer = self._scorer(name)
            self.used[name] = scorer
            self._rows[name] = {}
            self._values[name] = torch.zeros((0, len(scorer.outputs)), dtype=torch.float32)
        rows = self._rows[name]
        new = [text for text in dict.fromkeys(texts) if text not in rows]
        if new:
            rows.update({text: len(rows) + i for i, text in enumerate(new)})
            scored = score_documents(
                self.used[name], new, cache=self._cache, progress=self._progress
            )
            self._values[name] = torch.cat([self._values[name], scored.values])
        return self._values[name][torch.tensor([rows[text] for text in texts], dtype=torch.int64)]


def _no_scorer(name: str, _texts: Sequence[str]) -> torch.Tensor:
    raise KeyError(f'no scorer "{name}" in this world')


@dataclass(frozen=True, eq=False)
class World:
    """What a run would hand to a signal or strategy, over T sessions of N assets.

    Attributes:
        panel: prices; its rows are the clock's sessions.
        documents: texts, also those that no session may use.
        facts: reported numbers, likewise.
        clock: sessions and cutoffs.
        features: outputs of earlier signals, by "signal.output": `[T, N]` or `[T]`.
        score: the scores `[D, K]` of texts by the scorer of a name.
        device: where tensors live.
        fill: where decisions are filled, which is where returns to learn from begin.
    """

    panel: Panel
    clock: Clock
    documents: Documents = field(default_factory=Documents.empty)
    facts: Facts = field(default_factory=Facts.empty)
    features: Mapping[str, torch.Tensor] = field(default_factory=dict)
    score: Callable[[str, Sequence[str]], torch.Tensor] = _no_scorer
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    fill: Fill = "next-close"

    def inputs(self) -> Inputs:
        """What a component is handed; the features are its own copies."""
        texts = self.documents.texts
        return Inputs(
            panel=self.panel,
            documents=self.documents,
            facts=self.facts,
            clock=self.clock,
            device=self.device,
            features={name: values.clone() for name, values in self.features.items()},
            scorer=lambda name: self.score(name, texts),
            fill=self.fill,
        )

    def document_moments(self) -> NDArray[np.datetime64]:
        """When each document could first count, `[D]`."""
        return np.maximum(self.documents.event_at, self.documents.known_at)

    def fact_moments(self) -> NDArray[np.datetime64]:
        """When each fact could first count: known, and its period over."""
        frame = self.facts.frame
        known_at = frame["known_at"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
        ended = frame["period_end"].to_numpy().astype("datetime64[ns]")
        moments: NDArray[np.datetime64] = np.maximum(known_at, ended)
        return moments

    def until(self, row: int) -> World:
        """The world at the cutoff of session `row`: nothing later is known."""
        moment = self.clock.cutoff[row]
        return replace(
            self,
            panel=self.panel.slice(0, row + 1),
            clock=self.clock.slice(0, row + 1),
            documents=self.documents.visible_before(moment),
            facts=self.facts.visible_before(moment),
            features={name: values[: row + 1] for name, values in self.features.items()},
        )

    def since(self, row: int) -> World:
        """The world that begins with session `row`; facts known before still hold.

        Documents stay that count for `row` at the earliest.
        """
        stop = len(self.clock)
        keep = align.document_sessions(self.documents, self.clock) >= row
        return replace(
            self,
            panel=self.panel.slice(row, stop),
            clock=self.clock.slice(row, stop),
            documents=self.documents.take(keep),
            features={name: values[row:] for name, values in self.features.items()},
        )

    def with_assets(self, order: NDArray[np.int64]) -> World:
        """The same world with its assets in another order."""
        columns = torch.from_numpy(order)
        return replace(
            self,
            panel=self.panel.select([self.panel.assets[i] for i in order]),
            features={
                name: values[:, columns] if values.dim() > 1 else values
                for name, values in self.features.items()
            },
        )

    def with_ties_reversed(self) -> World:
        """The same world, documents known at one moment in the opposite order.

        Order by `known_at` is promised to components, so only ties may be rearranged.
        """
        known_at = self.documents.known_at.astype("int64")
        order = np.lexsort((-np.arange(len(known_at)), known_at))
        return replace(self, documents=Documents(self.documents.table.take(order)))

    def rescaled(self, column: int, factor: float) -> World:
        """The same world after a later split of one asset: its adjusted past has another basis.

        With `adj_factor` the raw prices stay as they were paid. Without, prices are on one basis,
        so all of them move, and share volume moves the other way.
        """
        values = np.array(self.panel.values)
        fields = self.panel.fields
        if "adj_factor" in fields:
            values[:, column, fields.index("adj_factor")] *= factor
        else:
            for i, name in enumerate(fields):
                if name in PRICES:
                    values[:, column, i] *= factor
                elif name == "volume":
                    values[:, column, i] /= factor
        return replace(self, panel=replace(self.panel, values=values))

    def with_holes(self, holes: NDArray[np.bool_]) -> World:
        """The same world with prices and features unknown where `holes` `[T, N]` is True."""
        values = np.array(self.panel.values)
        values[holes] = np.nan
        absent = torch.from_numpy(holes)
        features = {
            name: values.masked_fill(absent, torch.nan) if values.dim() > 1 else values
            for name, values in self.features.items()
        }
        return replace(self, panel=replace(self.panel, values=values), features=features)
