"""Everything above the account, over one market: each result once, for all that rest on it.

It gives targets to a configuration; what an account makes of them is not its business. Results are
those of a run of the configuration alone, to the bit.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.desk import Desk
from finstrat.errors import FinstratError
from finstrat.pipeline import decide, inputs_over, neutral_twin
from finstrat.signals import Scores, check_known, compute_signals
from finstrat.simulate.checks import checked_weights
from finstrat.sweep.keys import decision_key, desk_key, scores_key, signal_keys

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from finstrat.components import Inputs
    from finstrat.config import Plan
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.signals import Features, Progress
    from finstrat.sweep.memory import Room
    from finstrat.text.cache import ScoreCache


@dataclass(frozen=True, eq=False)
class Wanted:
    """Targets over the evaluated span, `[T, N]`; NaN rows hold. The twin's, where there is one."""

    own: NDArray[np.float64]
    twin: NDArray[np.float64] | None


class Upstream:
    """Computes targets, remembering what the next configuration may need again.

    Signals are remembered as far as memory allows, decisions and targets while they stay the same:
    configurations are best asked for in the order of `order_key`.
    """

    def __init__(
        self,
        market: Market,
        *,
        cache: ScoreCache | None,
        device: torch.device,
        progress: Progress,
        room: Room,
    ) -> None:
        self._market = market
        self._cache = cache
        self._device = device
        self._progress = progress
        self._room = room
        self._scores: dict[str, Scores] = {}
        self._signals: OrderedDict[str, Features] = OrderedDict()
        self._desks: dict[str, Desk] = {}
        self._failed: dict[str, FinstratError] = {}
        self._decided: tuple[str, tuple[CheckedDecision, CheckedDecision | None]] | None = None
        self._wanted: tuple[str, Wanted] | None = None

    def targets(self, plan: Plan) -> Wanted:
        """What a run of `plan` would trade on.

        Raises:
            FinstratError: what the run would have ended with.
        """
        borrows = plan.config.execution.margin is not None
        key = f"{decision_key(plan)}{desk_key(plan)}{borrows}"
        if self._wanted is not None and self._wanted[0] == key:
            return self._wanted[1]
        self._wanted = None
        decision, twin = self._decision(plan)
        desk = self._desks.get(desk_key(plan))
        if desk is None:
            desk = self._desks[desk_key(plan)] = Desk(plan, self._market)
        wanted = Wanted(
            self._checked(desk, decision, plan),
            None if twin is None else self._checked(desk, twin, plan),
        )
        desk.forget(above=self._room.answers // len(self._desks))
        self._wanted = key, wanted
        return wanted

    def _checked(self, desk: Desk, decision: CheckedDecision, plan: Plan) -> NDArray[np.float64]:
        """The targets of the evaluated span, held to what an account may be asked for."""
        first, panel = self._market.first, self._market.panel
        weights = desk.targets(decision).weights[first:]
        limit = plan.config.limits.gross
        return checked_weights(
            pd.DataFrame(weights, index=panel.index[first:], columns=list(panel.assets)),
            panel.slice(first, len(panel.times)),
            max_gross=limit,
            max_net=1.0 if plan.config.execution.margin is None else limit,
        )

    def _decision(self, plan: Plan) -> tuple[CheckedDecision, CheckedDecision | None]:
        """What the strategy decides, and what it would without the text."""
        key = decision_key(plan)
        if key in self._failed:
            raise self._failed[key]
        if self._decided is None or self._decided[0] != key:
            self._decided = None
            try:
                inputs = inputs_over(plan, self._market, self._scorer(plan))
                features = self._features(plan, inputs)
                check_known(plan, features)
                decision = decide(plan, replace(inputs, features=features))
                first = self._market.first
                twin = neutral_twin(plan, inputs, features, decision, first=first)
            except FinstratError as error:
                self._failed[key] = error
                raise
            self._decided = key, (decision, twin)
        return self._decided[1]

    def _scorer(self, plan: Plan) -> Scores:
        key = scores_key(plan)
        if key not in self._scores:
            self._scores[key] = Scores(
                plan,
                self._market.documents,
                cache=self._cache,
                device=self._device,
                progress=self._progress,
            )
        return self._scores[key]

    def _features(self, plan: Plan, inputs: Inputs) -> Features:
        """Every signal of `plan`, only those computed that no configuration had before."""
        keys = signal_keys(plan)
        given: Features = {}
        for name, key in keys.items():
            if key in self._signals:
                self._signals.move_to_end(key)
                given.update({f"{name}.{out}": x for out, x in self._signals[key].items()})
        features = compute_signals(plan, inputs, given=given)
        for name, key in keys.items():
            outputs = plan.signals[name].outputs
            self._signals[key] = {out: features[f"{name}.{out}"] for out in outputs}
        while self._bytes() > self._room.signals and len(self._signals) > 1:
            self._signals.popitem(last=False)
        return features

    def _bytes(self) -> int:
        return sum(
            values.numel() * values.element_size()
            for outputs in self._signals.values()
            for values in outputs.values()
        )


def order_key(plan: Plan) -> tuple[str, ...]:
    """Sorts configurations so that those that share most stand together."""
    return (*signal_keys(plan).values(), decision_key(plan), desk_key(plan))
