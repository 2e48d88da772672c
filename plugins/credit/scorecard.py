"""A credit model that `finstrat credit train` wrote, applied to facts as they became known."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.components import CreditModel
from finstrat.credit.borrowers import Borrowers
from finstrat.credit.model import load_scorecard
from finstrat.errors import DataError

if TYPE_CHECKING:
    from finstrat.data import Facts


class Scorecard(CreditModel):
    """Default probabilities of the facts' assets, anew whenever one of the model's items is told.

    The model's columns are items of the facts, all of them numbers. Each assessment uses the newest
    period of every item among what was known by then.
    """

    name = "scorecard"
    version = "1"

    class Config(CreditModel.Config):
        """Which model."""

        path: Path

    config: Config

    def usable_from(self) -> np.datetime64 | None:
        """The last day whose outcomes the training table tells; None where it has no dates.

        Rows of the last training date counted what happened within the model's horizon after it.
        """
        card = load_scorecard(self.config.path).card
        if card["trained_until"] is None:
            return None
        days = int(np.ceil(float(card["horizon_years"]) * 365.25))
        return np.datetime64(str(card["trained_until"])[:10], "D") + np.timedelta64(days, "D")

    def assess(self, facts: Facts) -> pd.DataFrame:
        """entity, as_of (UTC), probability, horizon_years, band, reasons; by as_of, then entity.

        A row's `as_of` is the moment from which all it uses was known: it may count for a cutoff
        after that. Where nothing is known the probability is NaN and the band "".

        Raises:
            DataError: there is no model at `path`, it knows categories, or facts have none of its
                columns.
        """
        scorecard = load_scorecard(self.config.path)
        worded = [each.name for each in scorecard.encoding.columns if each.levels is not None]
        if worded:
            raise DataError(
                f"{self.config.path}: the model reads categories ({', '.join(worded)}), which "
                "facts don't have; train one on numbers alone"
            )
        states = _states(facts.frame, scorecard.features)
        if states.empty:
            raise DataError(
                f"{self.config.path}: facts hold none of the model's items "
                f"({', '.join(scorecard.features)})"
            )
        known = Borrowers(
            features=states[list(scorecard.features)],
            defaulted=None,
            entity=states["entity"].to_numpy(dtype=object),
            as_of=None,
        )
        assessed = scorecard.assess(known, where=str(self.config.path))
        assessed.insert(1, "as_of", states["as_of"])
        assessed.insert(3, "horizon_years", float(scorecard.card["horizon_years"]))
        return assessed


def _states(frame: pd.DataFrame, items: tuple[str, ...]) -> pd.DataFrame:
    """What was known of each asset after each moment that told something: entity, as_of, items."""
    rows = frame[frame["item"].isin(items)]
    # As everywhere: a period can't be known before it ends.
    ended = rows["period_end"].dt.tz_localize("UTC")
    rows = rows.assign(moment=rows["known_at"].where(rows["known_at"] > ended, ended))
    rows = rows.sort_values(["moment", "period_end", "version"], kind="stable")
    found: list[dict[str, object]] = []
    book: dict[str, dict[str, tuple[pd.Timestamp, float]]] = {}
    for (moment, asset), told in rows.groupby(["moment", "asset"], sort=True):
        known = book.setdefault(str(asset), {})
        for item, period, value in zip(
            told["item"], told["period_end"], told["value"], strict=True
        ):
            if item not in known or period >= known[item][0]:
                known[item] = (period, value)
        values = {item: known[item][1] if item in known else np.nan for item in items}
        found.append({"entity": str(asset), "as_of": moment, **values})
    return pd.DataFrame(found, columns=["entity", "as_of", *items])
