"""Many configurations' accounts at once: those with the same terms and costs in one call.

It takes targets and gives outcomes; where the targets come from is known elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import FinstratError
from finstrat.faults import told_of
from finstrat.pipeline import inference_paid
from finstrat.risk.activity import NOTHING
from finstrat.risk.drawdown import drawdowns
from finstrat.risk.performance import cagr, sharpe_ratio
from finstrat.simulate.inference import net_of_inference
from finstrat.sweep.keys import account_key
from finstrat.sweep.outcome import Outcome, Statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.market import Market
    from finstrat.simulate.ledger import Accounts
    from finstrat.sweep.upstream import Wanted


@dataclass(frozen=True, eq=False)
class Pending:
    """One configuration whose targets are known."""

    place: int
    trial: str
    plan: Plan
    wanted: Wanted


def outcomes_of(batch: list[Pending], market: Market) -> list[Outcome]:
    """What comes of each of `batch`; an error is the outcome of all that share its terms."""
    groups: dict[str, list[Pending]] = {}
    for each in batch:
        groups.setdefault(account_key(each.plan), []).append(each)
    result: list[Outcome] = []
    for group in groups.values():
        try:
            result += _kept(group, market)
        except FinstratError as error:
            told = f"{type(error).__name__}: {error}"
            result += [Outcome(each.place, each.trial, told) for each in group]
    return result


def _kept(group: list[Pending], market: Market) -> list[Outcome]:
    """The outcomes of configurations that share terms and costs."""
    # Imported here because numba takes a moment.
    from finstrat.simulate import ledger

    plan, rows = group[0].plan, (market.first, len(market.clock))
    panel, execution = market.panel.slice(*rows), plan.config.execution
    with told_of(plan, "costs"):
        rates = plan.costs.rates(market.panel).rows(*rows)
    prices = ledger.Prices.of(panel, execution)
    targets = [each.wanted.own for each in group]
    targets += [each.wanted.twin for each in group if each.wanted.twin is not None]
    weights = np.empty((len(targets), *panel.shape))
    for account, target in enumerate(targets):
        np.take(target, prices.order, axis=1, out=weights[account])
    kept = ledger.accounts(weights, prices, rates=rates, execution=execution, keep="sessions")
    net = kept.net(execution.initial_cash)
    twins = iter(net[len(group) :])
    result = []
    for account, each in enumerate(group):
        paid = inference_paid(each.plan, market)
        if paid is not None:
            net[account] = net_of_inference(net[account], paid, initial_cash=execution.initial_cash)
        excess = None if each.wanted.twin is None else net[account] - next(twins)
        figures = statistics(kept, account, net[account], plan=each.plan, market=market)
        if excess is not None:
            over = sharpe_ratio(excess, periods_per_year=market.clock.periods_per_year)
            figures = replace(figures, sharpe_over_twin=over)
        result.append(Outcome(each.place, each.trial, "ok", figures, net[account].copy(), excess))
    return result


def statistics(
    kept: Accounts, account: int, net: NDArray[np.float64], *, plan: Plan, market: Market
) -> Statistics:
    """The figures of one of many accounts, by the definitions of `finstrat.risk`."""
    from finstrat.simulate import kernel

    equity, detail = kept.equity[account], kept.detail[account]
    year = market.clock.periods_per_year
    before = np.concatenate([[plan.config.execution.initial_cash], equity[:-1]])
    alive = before > 0
    base = np.where(alive, before, 1.0)
    paid = detail[:, [kernel.FEES, kernel.SLIPPAGE, kernel.BORROW]].sum(axis=1)
    held = np.where(equity > NOTHING, detail[:, kernel.GROSS] / np.where(equity > 0, equity, 1), 0)
    days = market.panel.index[market.first :]
    growth = cagr(net, first=days[0].date(), last=days[-1].date()).value
    return Statistics(
        sharpe=sharpe_ratio(net, periods_per_year=year, risk_free=plan.config.market.risk_free),
        cagr=np.nan if growth is None else growth,
        volatility=float(net.std(ddof=1)) * float(np.sqrt(year)),
        max_drawdown=float(drawdowns(net).min()),
        turnover=float(np.where(alive, detail[:, kernel.TRADED] / base, 0.0).mean()) * year,
        costs=float(np.where(alive, paid / base, 0.0).mean()) * year,
        exposure=float(held.mean()),
    )
