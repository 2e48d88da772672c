"""How near each company is to failing, by its accounts and, where their level is known, prices."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from finstrat_plugins.credit.scorecard import Scorecard
from pydantic import Field

from finstrat import features
from finstrat.components import Signal
from finstrat.credit.accounting import altman_z, altman_z2, ohlson_o
from finstrat.credit.merton import merton
from finstrat.data import Facts, align
from finstrat.data.statements import years_as_of
from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Inputs

    Floats = NDArray[np.float64]

ITEMS = (
    *("assets", "current_assets", "liabilities", "current_liabilities", "retained_earnings"),
    *("total_equity", "revenue_year", "operating_income_year", "pretax_income_year"),
    *("interest_expense_year", "net_income_year", "operating_cash_flow_year"),
)
SCORES = ("safety", "z", "z2", "o", "distance")
SHARES = ("shares_on_cover", "shares")
INDUSTRY = "sic"
FINANCIAL = (6000, 6799)
"""Standard industrial classification: finance, insurance and real estate."""


class RiskScores(Signal):
    """Altman's Z and Z'', Ohlson's O, Merton's distance to default, and their joint rank.

    From the newest yearly statement known at each cutoff. Z and the distance need the market value
    of the equity: shares outstanding times the raw close of the session that learnt of them, moved
    on by total returns; where the prices carry no `adj_factor`, their level isn't known and neither
    is. Companies without current liabilities in their balance sheet (banks, insurers), those named
    as financial, and those whose fact "sic" says so, have no scores.

    With a `model`, which `finstrat credit train` wrote, an output more: the default probability it
    gives by the facts known at each cutoff. It is unknown until the outcomes of the model's last
    training date were, since there was no such model before.
    """

    name = "risk-scores"
    version = "2"
    needs = ("close", "facts")
    memory = "expanding"

    class Config(Signal.Config):
        """Which firms, and with what."""

        window: int = Field(
            252, ge=20, description="sessions the equity's volatility is taken over"
        )
        rate: float = Field(0.02, description="riskless rate a year, for the distance")
        price_index: float = Field(
            100.0, gt=0, description="GNP deflator, 1968 = 100, for the size of assets in O"
        )
        stale_days: int = Field(
            550, ge=1, description="days after which a year is too old to score"
        )
        financial: tuple[str, ...] = Field((), description="assets that are left out as financial")
        model: Path | None = Field(None, description="a credit model over the facts' items")

    config: Config

    @property
    def outputs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The scores, and the model's probability where there is a model."""
        return (*SCORES, *(() if self.config.model is None else ("probability",)))

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions before the first distance."""
        return self.config.window

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, K]`: safety in (0, 1), the mean rank of z2, −o and distance among the members.

        Raises:
            DataError: the model can't be read, has no dates, or reads nothing that the facts hold.
        """
        years = years_as_of(inputs.facts, ITEMS, clock=inputs.clock, assets=inputs.panel.assets)
        age = inputs.panel.times[:, None] - years.ended
        fresh = (age <= np.timedelta64(self.config.stale_days, "D")) & ~self._financial(inputs)
        now = {item: np.where(fresh, values, np.nan) for item, values in years.now.items()}
        liabilities = _first(now["liabilities"], now["assets"] - now["total_equity"])
        equity = self._market_equity(inputs)
        working_capital = now["current_assets"] - now["current_liabilities"]
        ebit = _first(
            now["operating_income_year"], now["pretax_income_year"] + now["interest_expense_year"]
        )
        common = {
            "working_capital": working_capital,
            "retained_earnings": now["retained_earnings"],
            "ebit": ebit,
            "total_assets": now["assets"],
            "total_liabilities": liabilities,
        }
        z = altman_z(**common, market_equity=equity, sales=now["revenue_year"])
        z2 = altman_z2(**common, book_equity=now["assets"] - liabilities)
        o = ohlson_o(
            total_assets=now["assets"],
            total_liabilities=liabilities,
            current_assets=now["current_assets"],
            current_liabilities=now["current_liabilities"],
            net_income=now["net_income_year"],
            net_income_before=years.before["net_income_year"],
            funds_from_operations=now["operating_cash_flow_year"],
            price_index=self.config.price_index,
        )
        # Debts due within a year, and half of the rest (Vassalou and Xing, 2004).
        point = now["current_liabilities"] + 0.5 * (liabilities - now["current_liabilities"])
        daily = features.volatility(inputs.prices("close"), self.config.window).cpu().numpy()
        distance = merton(
            equity=equity,
            equity_volatility=daily * np.sqrt(inputs.clock.periods_per_year),
            debt=point,
            rate=np.asarray(self.config.rate),
            horizon=np.asarray(1.0),
        ).distance
        scores = [torch.from_numpy(each).to(inputs.device) for each in (z, z2, o, distance)]
        members = inputs.members()
        safe = (scores[1], -scores[2], scores[3])
        ranks = torch.stack([features.rank(each, mask=members) for each in safe])
        if self.config.model is not None:
            scores.append(self._probability(inputs, self.config.model))
        return features.stack([ranks.nanmean(dim=0), *scores])

    def _probability(self, inputs: Inputs, path: Path) -> torch.Tensor:
        """The model's default probability of each asset, `[T, N]`."""
        model = Scorecard({"path": path})
        usable = model.usable_from()
        if usable is None:
            raise DataError(
                f"{path}: the model's training table had no dates, so nobody can say from when it "
                "could be used; train it with --date"
            )
        told = model.assess(inputs.facts).dropna(subset=["probability"])
        day = told["as_of"].dt.tz_localize(None).dt.normalize()
        known = Facts.from_frame(
            pd.DataFrame(
                {
                    "asset": told["entity"],
                    "item": "probability",
                    "value": told["probability"],
                    "period_end": day,
                    "known_at": told["as_of"],
                    # Two assessments of one day: the later one counts.
                    "version": told.groupby([told["entity"], day]).cumcount() + 1,
                }
            ),
            where=str(path),
        )
        values = align.facts_as_of(
            known, "probability", clock=inputs.clock, assets=inputs.panel.assets
        )
        values[inputs.panel.times <= usable] = np.nan
        return torch.from_numpy(values).to(inputs.device)

    def _financial(self, inputs: Inputs) -> NDArray[np.bool_]:
        """Who is a financial company, `[T, N]`, as far as anybody says so."""
        industry = align.facts_as_of(
            inputs.facts, INDUSTRY, clock=inputs.clock, assets=inputs.panel.assets
        )
        named = np.isin(np.array(inputs.panel.assets), self.config.financial)
        return ((industry >= FINANCIAL[0]) & (industry <= FINANCIAL[1])) | named

    def _market_equity(self, inputs: Inputs) -> Floats:
        """Shares times price, `[T, N]`; NaN where the price's level isn't known.

        The count of shares is as of its filing. A split since would be in the raw price and not in
        the count, so the value is carried on from that session by total returns, which also credit
        the dividends paid since; the next count corrects them.
        """
        panel = inputs.panel
        if "adj_factor" not in panel.fields:
            return np.full(panel.shape, np.nan)
        raw, adjusted = panel.field("close"), panel.adjusted("close")
        rows = np.arange(len(panel.times))[:, None]
        found = np.full(panel.shape, np.nan)
        for item in SHARES:
            shares, since = _counted(inputs, item)
            known = ~np.isnan(since)
            base = np.where(known, since, 0).astype(np.int64)
            columns = np.broadcast_to(np.arange(panel.shape[1]), base.shape)
            value = shares * raw[base, columns] * adjusted[rows, columns] / adjusted[base, columns]
            found = np.where(np.isnan(found) & known, value, found)
        return found


def _counted(inputs: Inputs, item: str) -> tuple[Floats, Floats]:
    """The newest count of shares, and the session that could first use it, both `[T, N]`."""
    frame = inputs.facts.frame
    frame = frame[frame["item"] == item]
    known_at = frame["known_at"].dt.tz_localize(None).to_numpy()
    ended = frame["period_end"].to_numpy()
    session = inputs.clock.first_session_to_know(np.maximum(known_at, ended))

    def newest(values: Facts) -> Floats:
        return align.facts_as_of(values, item, clock=inputs.clock, assets=inputs.panel.assets)

    return newest(Facts(frame)), newest(Facts(frame.assign(value=session.astype(np.float64))))


def _first(preferred: Floats, other: Floats) -> Floats:
    """`preferred` where it is known, else `other`."""
    return np.where(np.isnan(preferred), other, preferred)
