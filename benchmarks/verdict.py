"""How often the verdict is wrong: noise that it supports, and knowledge that it misses.

    python benchmarks/verdict.py PRICES.parquet --out FOLDER [--half tune|publish] [--only NAME]
                                 [--signals N] [--placebos B]
    python benchmarks/verdict.py PRICES.parquet --out FOLDER --chart FILE.svg

PRICES has date, ticker or asset, open and close of real stocks. Their names are split in halves by
turns, so that a rule can be chosen on one (`tune`) and measured on the other. An experiment draws
names and notes (`planted/notes.py`) by its own seed, runs the backtest through the pipeline and
concludes through `finstrat.audit.audit` and `finstrat.report.assess.verdict_of`, as `finstrat
audit` does.

Two things save time and change no verdict. Only a run that beats its twin is audited, since no
other can be supported. And causality and the second engine, which don't depend on what notes say,
are checked on the first signal of each kind alone and taken from there. Results are kept in
FOLDER, one line each; a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
import torch
import vl_convert
from scipy.stats import beta

from finstrat.audit import Case, audit
from finstrat.config import Backtest, Plan, resolve
from finstrat.data import Clock, Span
from finstrat.desk import Desk
from finstrat.host import Host
from finstrat.ledger import Ledger, Trial, trial_of
from finstrat.market import Market, load_market
from finstrat.pipeline import decide, inputs_over, neutral_twin, run
from finstrat.report.assess import verdict_of
from finstrat.signals import Fits, Scores, compute_signals
from finstrat.text.cache import ScoreCache
from finstrat.validate.verdict import AUDITS, TWIN

if TYPE_CHECKING:
    from finstrat.store import RunResult

PLANTED = Path(__file__).parent / "planted"
FIRST, LAST = dt.date(2011, 1, 3), dt.date(2015, 6, 30)
"""The first session after the notes' cutoff, and the last of the prices used."""
UNSPOKEN = ("causality", "second-engine")
"""Audits whose answer doesn't depend on what the notes say."""
COSTS = {"use": "proportional", "fee_bps": 5, "slippage_bps": 5}
HALVES = ("tune", "publish")


@dataclass(frozen=True)
class Kind:
    """One kind of signal: what its notes know, and what is done with them.

    `tries` above 1 takes the best of so many, by the Sharpe ratio of its return less the twin's,
    with all of them in the ledger.
    """

    name: str
    half_life: float
    strategy: str
    ic: float = 0.0
    assets: int = 50
    sessions: int = 500
    tries: int = 1

    def config(self, seed: int, prices: Path, assets: list[str], end: str) -> dict[str, Any]:
        """The backtest."""
        market = self.strategy == "overlay"
        notes = {"use": "planted-notes", "prices": str(prices), "seed": seed, "ic": self.ic}
        # A note must not change with who else is asked for, so its writer knows all of them.
        notes |= {"half_life": self.half_life, "about": "market" if market else "assets"}
        notes |= {"names": assets}
        parts: dict[str, Any] = {
            "name": "planted",
            "seed": seed,
            "span": {"start": str(FIRST), "end": end},
            "universe": {"assets": assets},
            "prices": {"use": "files-prices", "path": str(prices)},
            "documents": {"notes": notes},
            "costs": COSTS,
            "execution": {"engine": "ledger", "fill": "next-open"},
        }
        if market:
            mood = {"use": "market-mood", "scorer": "note-tone", "half_life": 0.2, "window": 20}
            parts["signals"] = {"mood": {**mood, "damping": 0}}
            parts["strategy"] = {"use": "mood-overlay", "signal": "mood.surprise"}
            parts["optimizer"] = {"use": "equal"}
            return parts
        news = {"use": "news-sentiment", "scorer": "note-tone", "half_life": 0.2, "novelty": 0}
        parts["signals"] = {"news": news}
        if self.strategy == "long-short":
            parts["strategy"] = {"use": "long-short", "signal": "news.tone", "rebalance": "weekly"}
            parts["limits"] = {"long_only": False, "net": [-0.05, 0.05]}
        else:
            best = {"use": "top-k", "signal": "news.tone", "rebalance": "weekly"}
            parts["strategy"] = {**best, "k": self.assets // 5}
            parts["optimizer"] = {"use": "equal"}
        return parts


NOISE = (
    Kind("independent, long-short", 0, "long-short"),
    Kind("persistent, long-short", 60, "long-short"),
    Kind("persistent, long-only selection", 60, "selection"),
    Kind("independent, long-only overlay", 0, "overlay"),
    Kind("persistent, long-only overlay", 20, "overlay"),
    Kind("best of 50, long-short", 60, "long-short", tries=50),
    Kind("best of 50, long-only overlay", 20, "overlay", tries=50),
)
PLANTED_ICS = (0.01, 0.02, 0.03, 0.05, 0.08)
POWER = tuple(
    Kind(f"planted {ic:.2f}, half-life {half_life}", half_life, "long-short", ic, 100, 1000)
    for half_life in (5, 20)
    for ic in PLANTED_ICS
)


class Bench:
    """Real prices, the components, and markets that signals of one kind share."""

    def __init__(self, prices: Path, folder: Path, half: str) -> None:
        self.host = Host.load([PLANTED])
        self.folder, self.half = folder, half
        self.prices, self.names = prepared(prices, folder, half)
        self.sessions = Clock.build("XNYS", Span(FIRST, LAST)).sessions
        self._shared: dict[str, Market] = {}
        self.unspoken: dict[str, dict[str, Any]] = {}

    def plan(self, kind: Kind, seed: int, draw: int) -> Plan:
        """The backtest of one signal; `draw` chooses its names."""
        rng = np.random.default_rng([draw, 7])
        assets = sorted(rng.choice(self.names, size=kind.assets, replace=False).tolist())
        end = str(self.sessions[kind.sessions - 1])
        config = kind.config(seed, self.prices, assets, end)
        return resolve(Backtest.model_validate(config), self.host, root=self.folder)

    def market(self, plan: Plan) -> Market:
        """What the plan would load; prices and stamps are shared, only the words are new."""
        source = plan.documents["notes"]
        parts = [plan.resolved["span"], plan.resolved["universe"], source.config.about]
        key = json.dumps(parts)
        if key not in self._shared:
            if len(self._shared) > 2:
                self._shared.clear()
            self._shared[key] = load_market(plan)
        shared = self._shared[key]
        span = Span(shared.clock.sessions[0].astype(object), plan.config.span.end)
        texts = source.all(plan.config.universe.assets).within(span).texts
        digest = {"documents": json.dumps(plan.resolved["documents"])}
        return replace(
            shared, documents=shared.documents.with_texts(texts), digests=shared.digests | digest
        )


def prepared(prices: Path, folder: Path, half: str) -> tuple[Path, list[str]]:
    """A clean file of one half's stocks, and their names.

    Clean are those with all prices on all sessions of the span and no move above 35 % within a
    session's close and open or close: what the source got wrong is not what is tried here.
    """
    table = pd.read_parquet(prices).rename(columns={"ticker": "asset"})
    sessions = pd.DatetimeIndex(Clock.build("XNYS", Span(dt.date(2010, 6, 1), LAST)).sessions)
    wide = {
        name: table.pivot_table(index="date", columns="asset", values=name)
        .astype("float64")
        .reindex(sessions)
        for name in ("open", "close")
    }
    moves = [wide["open"] / wide["close"].shift() - 1, wide["close"] / wide["open"] - 1]
    whole = wide["open"].gt(0).all() & wide["close"].gt(0).all()
    names = whole.index[whole & np.logical_and.reduce([m.abs().max() < 0.35 for m in moves])]
    names = sorted(names)[0 if half == "tune" else 1 :: 2]
    out = folder / f"prices-{half}.parquet"
    rows = wide["open"][names].rename_axis("date").reset_index().melt("date", value_name="open")
    rows["close"] = wide["close"][names].to_numpy().ravel(order="F")
    rows.to_parquet(out)
    return out, names


def judge(bench: Bench, kind: Kind, draw: int, *, placebos: int) -> dict[str, Any]:
    """One signal's verdict, as a line of the results."""
    began = time.process_time()
    first = first_seed(bench.half, kind, draw)
    with tempfile.TemporaryDirectory() as state, ScoreCache(Path(state) / "scores.sqlite") as cache:
        ledger = Ledger(Path(state) / "trials.sqlite")
        tried = [bench.plan(kind, first + i, draw) for i in range(kind.tries)]
        plan = tried[0] if kind.tries == 1 else best_of(bench, tried, ledger, cache)
        market = bench.market(plan)
        result = run(plan, market)
        verdict = verdict_of(result)
        twin = next(check for check in verdict.checks if check.name == TWIN)
        statuses: dict[str, str] = {}
        if twin.status == "pass" or kind.name not in bench.unspoken:
            case = case_of(plan, market, result=result, ledger=ledger, cache=cache)
            records = audited(bench, kind, case, placebos=placebos)
            verdict = verdict_of(replace(result, checks=records))
            statuses = {name: record["status"] for name, record in records.items()}
    excess = (result.sessions["net"] - result.sessions["twin"]).to_numpy()
    return {
        "kind": kind.name,
        "draw": draw,
        "seed": plan.config.seed,
        "outcome": verdict.outcome,
        "twin": twin.status,
        "audits": statuses,
        "excess_bps": float(excess.mean() * 1e4),
        "sharpe": float(excess.mean() / excess.std() * np.sqrt(252)) if excess.std() else 0.0,
        "seconds": round(time.process_time() - began, 2),
    }


def first_seed(half: str, kind: Kind, draw: int) -> int:
    """The seed of a draw's first signal: no two kinds of noise share one, nor do the halves.

    Planted signals of one half-life share their noise, which makes the power curve smooth.
    """
    place = NOISE.index(kind) if kind in NOISE else len(NOISE)
    return ((HALVES.index(half) * (len(NOISE) + 1) + place) * 100_000 + draw) * 100


def audited(bench: Bench, kind: Kind, case: Case, *, placebos: int) -> dict[str, Any]:
    """The records of every audit."""
    if kind.name not in bench.unspoken:
        bench.unspoken[kind.name] = audit(_unknowing(bench, case), checks=UNSPOKEN)
    spoken = [name for name in AUDITS if name not in UNSPOKEN]
    return {**bench.unspoken[kind.name], **audit(case, placebos=placebos, checks=spoken)}


def _unknowing(bench: Bench, case: Case) -> Case:
    """The same backtest on notes that know nothing, loaded as `finstrat audit` does.

    Knowledge is made out of later prices, and the check of the sources rightly finds that in
    whoever writes the notes. What is asked here is whether it accuses the rest of the pipeline.
    """
    config = case.plan.config
    notes = config.documents["notes"].model_copy(update={"ic": 0.0})
    plan = resolve(
        config.model_copy(update={"documents": {"notes": notes}}), bench.host, root=bench.folder
    )
    return case_of(
        plan, load_market(plan), result=case.result, ledger=case.ledger, cache=case.cache
    )


def case_of(
    plan: Plan, market: Market, *, result: RunResult | None, ledger: Ledger, cache: ScoreCache
) -> Case:
    """The run as an audit reopens it; without a `result` for what needs none."""
    scores = Scores(
        plan, market.documents, cache=None, device=torch.device("cpu"), progress=lambda *_: None
    )
    inputs = inputs_over(plan, market, scores)
    fits: Fits = {}
    features = compute_signals(plan, inputs, fits=fits)
    decision = decide(plan, replace(inputs, features=features))
    return Case(
        result=result,
        plan=plan,
        market=market,
        inputs=inputs,
        features=features,
        fits=fits,
        decision=decision,
        desk=Desk(plan, market),
        ledger=ledger,
        cache=cache,
        progress=lambda *_: None,
    )


def best_of(bench: Bench, plans: list[Plan], ledger: Ledger, cache: ScoreCache) -> Plan:
    """The plan whose return less its twin's has the highest Sharpe ratio; all go into `ledger`."""
    decisions, trials = [], []
    for plan in plans:
        market = bench.market(plan)
        case = case_of(plan, market, result=None, ledger=ledger, cache=cache)
        twin = neutral_twin(plan, case.inputs, case.features, case.decision, first=market.first)
        decisions += [case.decision, twin]
        trials.append(trial(plan, market))
    net = Desk(plans[0], market).daily_returns(decisions).net
    excess = net[::2] - net[1::2]
    for each, own, other in zip(trials, net[::2], excess, strict=True):
        ledger.record(each, outcome="ok", returns=own, excess=other)
    return plans[int(np.argmax(excess.mean(axis=1) / excess.std(axis=1)))]


def trial(plan: Plan, market: Market) -> Trial:
    """The trial that a run of the plan enters."""
    return trial_of(
        plan.resolved,
        components=plan.components,
        inputs=market.digests,
        assets=list(market.panel.assets),
    )


def kept(file: Path) -> list[dict[str, Any]]:
    """The results in a file; none where there is no file yet."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def upper(count: int, n: int) -> float:
    """Clopper and Pearson's one-sided 95 % upper bound of a probability."""
    return 1.0 if count == n else float(beta.ppf(0.95, count + 1, n - count))


def lower(count: int, n: int) -> float:
    """The one-sided 95 % lower bound."""
    return 0.0 if count == 0 else float(beta.ppf(0.05, count, n - count + 1))


def told(rows: list[dict[str, Any]]) -> None:
    """Print what came out, a line a kind."""
    by_kind = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    print(f"{'kind':36} {'n':>5} {'supported':>9} {'refuted':>8} {'lower':>6} {'upper':>6}")
    noise = [row for kind in NOISE for row in by_kind[kind.name]]
    for name, some in [*by_kind.items(), ("all noise", noise)]:
        n = len(some)
        if not n:
            continue
        supported = sum(row["outcome"] == "supported" for row in some)
        refuted = sum(row["outcome"] == "refuted" for row in some)
        print(
            f"{name:36} {n:5} {supported / n:9.3f} {refuted / n:8.3f} "
            f"{lower(supported, n):6.3f} {upper(supported, n):6.3f}"
        )


def draw_power(rows: list[dict[str, Any]], file: Path) -> None:
    """A chart of how often planted signals are supported, with 90 % intervals."""
    points = []
    for kind in POWER:
        some = [row for row in rows if row["kind"] == kind.name]
        count, n = sum(row["outcome"] == "supported" for row in some), len(some)
        if n:
            point = {"ic": kind.ic, "supported": count / n, "half-life": f"{kind.half_life:g}"}
            points.append(point | {"low": lower(count, n), "high": upper(count, n)})
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X(
            "ic:Q",
            title="correlation with the next return",
            axis=alt.Axis(values=list(PLANTED_ICS), format=".2f"),
        ),
        color=alt.Color(
            "half-life:N",
            title="half-life, sessions",
            sort=["5", "20"],
            scale=alt.Scale(range=["#0072b2", "#d55e00"]),
        ),
    )
    share = alt.Y("supported:Q", title="supported", axis=alt.Axis(format=".0%"))
    line = base.mark_line(point=True).encode(
        y=share, strokeDash=alt.StrokeDash("half-life:N", sort=["5", "20"], legend=None)
    )
    spread = base.mark_rule(opacity=0.6).encode(y=alt.Y("low:Q", title="supported"), y2="high:Q")
    chart = (line + spread).properties(width=420, height=240)
    file.write_text(vl_convert.vegalite_to_svg(chart.to_json()))


def main() -> None:
    """Run what isn't there yet, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prices", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--half", choices=HALVES, default="tune")
    parser.add_argument("--chart", type=Path, help="draw what both halves gave, and run nothing")
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    parser.add_argument("--signals", type=int, default=100, help="of each kind")
    parser.add_argument("--placebos", type=int, default=200)
    given = parser.parse_args()
    if given.chart:
        rows = [row for half in HALVES for row in kept(given.out / f"verdicts-{half}.jsonl")]
        told(rows)
        draw_power(rows, given.chart)
        return
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.prices, given.out, given.half)
    file = given.out / f"verdicts-{given.half}.jsonl"
    rows = kept(file)
    done = {(row["kind"], row["draw"]) for row in rows}
    kinds = [kind for kind in (*NOISE, *POWER) if given.only in kind.name]
    for draw in range(given.signals):
        for kind in kinds:
            if (kind.name, draw) in done:
                continue
            row = judge(bench, kind, draw, placebos=given.placebos)
            rows.append(row)
            with file.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
            print(
                f"{draw + 1}/{given.signals} {kind.name}: {row['outcome']}, {row['seconds']} s",
                file=sys.stderr,
                flush=True,
            )
    told(rows)


if __name__ == "__main__":
    main()
