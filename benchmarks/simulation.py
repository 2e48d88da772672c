"""Speed and memory of the ledger beside vectorbt and other backtesters, as ratios of one run.

    pip install backtesting bt        # zipline-reloaded needs an environment of its own
    python benchmarks/simulation.py [--only NAME]

Every contender gets the same targets and prices, already in the layout it wants, and its result is
held against the ledger's before anything is timed. Contenders run in turn, several times over; the
least time counts. vectorbt runs in Rust, with `value()`, since it keeps no value of its own.
Memory is what a fresh process needs at its peak beyond what it held before the call.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import platform
import resource
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import vectorbt as vbt

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.simulate import ledger
from finstrat.simulate.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Callable

FEE = 0.001
EXECUTION = Execution(engine="ledger", fill="next-open", cash_buffer=0.0)


class Case:
    """Targets of A accounts on one random market of T sessions and N assets."""

    def __init__(self, accounts: int, sessions: int, assets: int, *, holds: float = 0.0) -> None:
        rng = np.random.default_rng(0)
        shape = (sessions, assets)
        self.close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0))
        self.open = self.close * np.exp(rng.normal(0, 0.002, shape))
        names = [f"A{i:04d}" for i in range(assets)]
        times = pd.bdate_range("2010-01-04", periods=sessions)
        self.index = times
        self.panel = Panel.from_fields(
            times.to_numpy().astype("datetime64[D]"),
            names,
            {"open": self.open, "close": self.close},
        )
        self.weights = rng.random((accounts, *shape))
        self.weights *= 0.95 / self.weights.sum(axis=2, keepdims=True)
        self.weights[rng.random((accounts, sessions)) < holds] = np.nan
        self.lay_out()

    def lay_out(self) -> None:
        """Both contenders' layouts of the same inputs."""
        accounts, sessions, assets = self.weights.shape
        even = np.broadcast_to(FEE, self.panel.shape)
        self.rates = CostRates(even, even)
        self.prices = ledger.Prices.of(self.panel, EXECUTION)
        lagged = np.full((sessions, accounts * assets), np.nan)
        lagged[1:] = np.moveaxis(self.weights, 0, 1).reshape(sessions, -1)[:-1]
        columns = pd.MultiIndex.from_product(
            [range(accounts), self.panel.assets], names=["account", "asset"]
        )

        def wide(values: np.ndarray) -> pd.DataFrame:
            return pd.DataFrame(np.tile(values, accounts), index=self.index, columns=columns)

        self.size = pd.DataFrame(lagged, index=self.index, columns=columns)
        self.wide_close, self.wide_open = wide(self.close), wide(self.open)

    def ledger(self, keep: ledger.Keep) -> ledger.Accounts:
        """Net asset values, or everything."""
        return ledger.accounts(
            self.weights, self.prices, rates=self.rates, execution=EXECUTION, keep=keep
        )

    def vectorbt(self) -> np.ndarray:
        """The net asset values of vectorbt, `[A, T]`."""
        portfolio = vbt.Portfolio.from_orders(
            self.wide_close,
            size=self.size,
            price=self.wide_open,
            size_type="targetpercent",
            cash_sharing=True,
            group_by="account",
            call_seq="auto",
            val_price=-np.inf,
            fees=FEE,
            slippage=FEE,
            init_cash=EXECUTION.initial_cash,
            freq="1D",
            engine="rust",
        )
        return np.atleast_2d(portfolio.value().to_numpy().T)


def crossover() -> Case:
    """A thousand pairs of moving averages of one stock; in on a cross above, out on one below."""
    case = Case(1, 2520, 1)
    price = pd.Series(case.close[:, 0])
    means = {n: price.rolling(n).mean() for n in range(5, 260, 4)}
    pairs = [(a, b) for a in means for b in means if a < b][:1000]
    held = np.stack([(means[a] > means[b]).to_numpy() for a, b in pairs]).astype(float)
    changed = np.diff(held, axis=1, prepend=0.0) != 0
    case.weights = np.where(changed, held * 0.95, np.nan)[:, :, None]
    case.lay_out()
    return case


CASES: dict[str, Callable[[], Case]] = {
    "500 assets, daily": partial(Case, 1, 2520, 500),
    "500 assets, monthly": partial(Case, 1, 2520, 500, holds=20 / 21),
    "100 accounts x 100 assets": partial(Case, 100, 504, 100),
    "1,000 crossovers": crossover,
}


def best(runs: dict[str, Callable[[], object]], *, times: int = 5) -> dict[str, float]:
    """The least seconds of each run, all of them in turn."""
    least = dict.fromkeys(runs, np.inf)
    for run in runs.values():
        run()
    for _ in range(times):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
            # vectorbt's portfolios leak through reference cycles; clearing up isn't timed.
            gc.collect()
    return least


def peak(name: str, contender: str) -> float:
    """MiB that one call needs beyond what its process already holds."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (name, contender))


def _peak(name: str, contender: str) -> float:
    case = CASES[name]()
    small = Case(1, 30, 3)
    run = {"vectorbt": Case.vectorbt, "equity": lambda c: c.ledger("equity")}
    run["orders"] = lambda c: c.ledger("orders")
    run[contender](small)
    gc.collect()
    # The high-water mark is only of use when what was held before is below it.
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
        file.write("5")
    before = resource_now()
    run[contender](case)
    with open("/proc/self/status") as file:  # noqa: PTH123
        mark = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return (mark - before) / 1024


def resource_now() -> int:
    """Resident KiB now."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def compare(name: str) -> None:
    """One case against vectorbt: times, ratios, memory."""
    case = CASES[name]()
    ours, theirs = case.ledger("equity").equity, case.vectorbt()
    gap = np.abs(ours / theirs - 1).max()
    runs: dict[str, Callable[[], object]] = {
        "vectorbt": case.vectorbt,
        "equity": lambda: case.ledger("equity"),
    }
    if len(case.weights) == 1:
        runs["orders"] = lambda: case.ledger("orders")
    took = best(runs, times=3 if len(case.weights) > 1 else 5)
    print(f"\n{name} {case.weights.shape}, largest relative difference {gap:.1e}")
    base = peak(name, "vectorbt")
    print(f"  {'vectorbt':10} {took['vectorbt'] * 1e3:10.1f} ms {'':8} {base:8.1f} MiB")
    for mine in runs:
        if mine != "vectorbt":
            ratio, memory = took["vectorbt"] / took[mine], peak(name, mine)
            print(
                f"  {mine:10} {took[mine] * 1e3:10.1f} ms {ratio:7.1f}x {memory:8.1f} MiB "
                f"{memory / base:.3f} of vectorbt's"
            )


def others() -> None:
    """What bt and backtesting.py can express, each in turn."""
    _bt()
    _backtesting()


def _bt() -> None:
    """A monthly rebalance of 20 assets over ten years, at the same close, without costs."""
    import bt

    case = Case(1, 2520, 20)
    weights = np.full_like(case.weights[0], np.nan)
    weights[20::21] = case.weights[0][20::21]
    frame = pd.DataFrame(case.close, index=case.index, columns=list(case.panel.assets))
    targets = pd.DataFrame(weights, index=case.index, columns=frame.columns).dropna()

    def theirs() -> pd.Series:
        strategy = bt.Strategy("s", [bt.algos.WeighTarget(targets), bt.algos.Rebalance()])
        test = bt.Backtest(strategy, frame, integer_positions=False, progress_bar=False)
        return bt.run(test, progress_bar=False).prices["s"]

    # bt fills at the close of the decision: shift ours so that it fills there too.
    shifted = np.full_like(weights, np.nan)
    shifted[:-1] = weights[1:]
    terms = EXECUTION.model_copy(update={"fill": "next-close"})
    prices = ledger.Prices.of(case.panel, terms)
    even = np.broadcast_to(0.0, case.panel.shape)

    def ours() -> np.ndarray:
        return ledger.accounts(
            shifted[None], prices, rates=CostRates(even, even), execution=terms
        ).equity

    took = best({"bt": theirs, "ledger": ours}, times=3)
    value = theirs().reindex(case.index).to_numpy()
    gap = abs((value[-1] / value[25]) / (ours()[0, -1] / ours()[0, 25]) - 1)
    print(
        f"\nbt, 20 assets monthly: {took['bt'] * 1e3:.1f} ms against {took['ledger'] * 1e3:.3f} "
        f"ms, {took['bt'] / took['ledger']:.0f}x (final value differs by {gap:.1e}: sized at "
        "the fill's own close there, at the close before here)"
    )


def _backtesting() -> None:
    """In and out of one asset on crossovers, at the next open, with commission."""
    from backtesting import Backtest, Strategy

    case = Case(1, 2520, 1)
    price = pd.Series(case.close[:, 0])
    up = (price.rolling(20).mean() > price.rolling(50).mean()).to_numpy()
    bars = pd.DataFrame({"Open": case.open[:, 0], "Close": case.close[:, 0]}, index=case.index)
    bars["High"], bars["Low"] = bars.max(axis=1), bars.min(axis=1)

    class Cross(Strategy):
        def init(self) -> None:
            self.up = self.I(lambda: up.astype(float), plot=False)

        def next(self) -> None:
            if self.up[-1] and not self.position:
                self.buy(size=0.95)
            elif not self.up[-1] and self.position:
                self.position.close()

    def theirs() -> float:
        test = Backtest(bars, Cross, cash=1e6, commission=FEE, finalize_trades=True)
        return float(test.run()["Equity Final [$]"])

    changed = np.diff(up.astype(float), prepend=0.0) != 0
    weights = np.where(changed, up * 0.95, np.nan)[None, :, None]
    fee, none = np.broadcast_to(FEE, case.panel.shape), np.broadcast_to(0.0, case.panel.shape)

    def ours() -> float:
        kept = ledger.accounts(
            weights, case.prices, rates=CostRates(fee, none), execution=EXECUTION
        )
        return float(kept.equity[0, -1])

    took = best({"backtesting": theirs, "ledger": ours}, times=3)
    gap = abs(theirs() / ours() - 1)
    print(
        f"\nbacktesting.py, one asset: {took['backtesting'] * 1e3:.1f} ms against "
        f"{took['ledger'] * 1e3:.3f} ms, {took['backtesting'] / took['ledger']:.0f}x "
        f"(final value differs by {gap:.1e}: whole shares there)"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*CASES, "others"])
    only = parser.parse_args().only
    warnings.simplefilter("ignore")
    print(f"{platform.machine()}, numpy {np.__version__}, vectorbt {vbt.__version__}")
    for name in CASES:
        if only in (None, name):
            compare(name)
    if only in (None, "others"):
        others()


if __name__ == "__main__":
    main()
