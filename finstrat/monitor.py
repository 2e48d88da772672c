"""Whether what a run or a model sees and does since a date is still what it was before.

Inputs, scores, signals and returns are compared by their distributions, all tests corrected for
being made together; coverage, latency, flagged texts and results against what was to be expected
are held to declared limits. It says that something changed, not why.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, ValidationError

from finstrat import pipeline
from finstrat.audit import case_of
from finstrat.components import Settings, TextSource
from finstrat.config import Backtest, Dates, resolve
from finstrat.data import Span, Universe
from finstrat.errors import ConfigError, DataError
from finstrat.market import load_market
from finstrat.text.clean import cleaned
from finstrat.text.scoring import score_documents
from finstrat.toml_file import TomlFile, config_error
from finstrat.validate.drift import LEAST, drift, holm, shortfall

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.audit import Case
    from finstrat.components import Scorer
    from finstrat.data import Documents
    from finstrat.host import Host
    from finstrat.project import Project
    from finstrat.signals import Progress
    from finstrat.store import RunResult
    from finstrat.text.cache import ScoreCache

DRAWS = 1999
"""Reorderings behind each p-value, so that one among thirty tests can still be told."""


class Limits(Settings):
    """What may not be passed; None = no limit.

    Attributes:
        alpha: chance of any false alarm of drift, all tests together.
        price_coverage, signal_coverage, score_coverage: least share known.
        flagged: most texts with nothing to read, hidden or forged characters, as a share.
        latency_hours: most hours from event to known, at the median.
        documents: least texts a session, as a share of those before.
    """

    alpha: float = Field(0.05, gt=0, lt=1)
    price_coverage: float | None = Field(0.95, ge=0, le=1)
    signal_coverage: float | None = Field(0.5, ge=0, le=1)
    score_coverage: float | None = Field(0.95, ge=0, le=1)
    flagged: float | None = Field(0.05, ge=0, le=1)
    latency_hours: float | None = Field(None, ge=0)
    documents: float | None = Field(0.5, ge=0)


def read_limits(path: Path | None) -> Limits:
    """The limits in a TOML file, or those that hold without one.

    Raises:
        ConfigError: each mistake with its line.
    """
    if path is None:
        return Limits()
    file = TomlFile.read(path, shown_as=str(path))
    try:
        return Limits.model_validate(file.data)
    except ValidationError as error:
        raise config_error(error, file, (), Limits) from None


@dataclass(frozen=True, eq=False)
class Series:
    """Values in the order of time, the last `recent` of which are since the date."""

    name: str
    kind: str
    values: NDArray[np.float64]
    recent: int


@dataclass(frozen=True)
class Level:
    """A number since the date, beside that before, and the limit it is held to.

    `least` says that the limit is a lower bound.
    """

    name: str
    recent: float | None
    before: float | None
    limit: float | None
    least: bool

    @property
    def passed(self) -> bool:
        """Whether the limit was passed."""
        if self.recent is None or self.limit is None:
            return False
        return self.recent < self.limit if self.least else self.recent > self.limit


def monitor_run(
    result: RunResult,
    since: dt.date,
    *,
    limits: Limits,
    until: dt.date | None = None,
    project: Project,
    host: Host,
    cache: ScoreCache,
    progress: Progress = lambda _step, _done, _total: None,
) -> dict[str, Any]:
    """What changed in a stored run's backtest since a date, as JSON values.

    The backtest is run again, to its own end or to `until`, with the components there are now; no
    trial is entered. Keys: kind ("monitor"), subject, since, until, unit (of what is
    counted), alarms, drifts, levels, changed, limits.

    Raises:
        ConfigError: too few sessions before or since the date.
    """
    config = Backtest.model_validate(result.config)
    span = Dates(start=config.span.start, end=until or config.span.end)
    plan = resolve(config.model_copy(update={"span": span}), host, root=project.root)
    plan = replace(plan, resolved={**plan.resolved, "span": span.model_dump(mode="json")})
    market = load_market(plan)
    fresh = pipeline.run(plan, market, cache=cache, progress=progress)
    case = case_of(fresh, plan, market, project=project, cache=cache, progress=progress)
    days = fresh.sessions.index.to_numpy().astype("datetime64[D]")
    recent = int((days >= np.datetime64(since)).sum())
    if min(recent, len(days) - recent) < LEAST:
        raise ConfigError(
            f"--since {since}: {len(days) - recent} sessions before and {recent} since; at least "
            f"{LEAST} are needed on either side (the run goes from {days[0]} to {days[-1]})"
        )
    recorded = result.manifest["components"]
    changed = sorted(
        key
        for key, each in plan.components.items()
        if each["sha256"] != recorded.get(key, {}).get("sha256")
    )
    series = _of_sessions(case, recent)
    levels = _levels_of_sessions(case, recent, limits)
    if len(market.documents):
        begins = int(market.first), len(market.clock) - recent
        seen = case.inputs.document_sessions().cpu().numpy()
        order = np.argsort(seen, kind="stable")
        order = order[(seen[order] >= begins[0]) & (seen[order] < len(market.clock))]
        late = int((seen[order] >= begins[1]).sum())
        scorers = {
            name: (plan.scorers[name], case.inputs.scores(name).numpy()[order])
            for name in sorted(card_names(case))
        }
        chosen = _ordered(market.documents, order)
        series += _of_texts(chosen, scorers, late)
        levels += _levels_of_texts(chosen, scorers, late, limits)
    subject = result.path.name if result.path else result.name
    net = Series("net", "", fresh.sessions["net"].to_numpy(dtype=np.float64), recent)
    return _told(
        subject, since, str(days[-1]), series, levels, limits=limits, changed=changed, earned=net
    )


def card_names(case: Case) -> set[str]:
    """The scorers that the run's signals name."""
    named = {getattr(signal.config, "scorer", None) for signal in case.plan.signals.values()}
    return {name for name in named if isinstance(name, str) and name in case.plan.scorers}


def monitor_model(
    scorer: Scorer,
    texts: Path,
    since: dt.date,
    *,
    limits: Limits,
    host: Host,
    cache: ScoreCache,
) -> dict[str, Any]:
    """What changed in the texts that a scorer gets since a date, and in its scores of them.

    `texts` is a file of documents as the source `files-documents` reads them.

    Raises:
        DataError: the file can't be read.
        ConfigError: too few texts before or since the date.
    """
    source = host.get(TextSource, "files-documents").component({"path": texts})
    assert isinstance(source, TextSource)
    found = source.load(Universe(), Span(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
    order = np.argsort(found.known_at, kind="stable")
    late = int((found.known_at >= np.datetime64(since, "ns")).sum())
    if min(late, len(order) - late) < LEAST:
        raise ConfigError(
            f"--since {since}: {len(order) - late} texts before and {late} since; at least {LEAST} "
            "are needed on either side"
        )
    documents = _ordered(found, order)
    scores = score_documents(scorer, documents.texts, cache=cache).values.numpy()
    scorers = {scorer.name: (scorer, scores)}
    until = str(documents.known_at[-1].astype("datetime64[D]"))
    return _told(
        scorer.name,
        since,
        until,
        _of_texts(documents, scorers, late),
        _levels_of_texts(documents, scorers, late, limits),
        limits=limits,
        changed=[],
    )


def _ordered(documents: Documents, order: NDArray[np.int64]) -> Documents:
    return replace(documents, table=documents.table.take(order))


def _of_sessions(case: Case, recent: int) -> list[Series]:
    """One value a session: prices, the number of texts, signals, returns."""
    market, first = case.market, case.market.first
    returns = case.result.asset_returns.to_numpy(dtype=np.float64)
    series = [
        ("average return of the assets", "inputs", _across(returns, np.mean)),
        ("spread of the assets' returns", "inputs", _across(returns, np.std)),
    ]
    if "volume" in market.panel.fields:
        volume = np.log1p(market.panel.field("volume")[first:])
        series.append(("average log volume", "inputs", _across(volume, np.mean)))
    if len(market.documents):
        series.append(("texts a session", "inputs", _texts_a_session(case)))
    for key, values in case.features.items():
        own = values[first:].cpu().numpy()
        series.append((key, "signals", own if own.ndim == 1 else _across(own, np.mean)))
        if own.ndim == 2:
            series.append((f"{key}, spread", "signals", _across(own, np.std)))
    sessions = case.result.sessions
    for name in ("net", "turnover"):
        column = sessions[name].to_numpy(dtype=np.float64)
        series.append((f"{name} a session", "performance", column))
    return [Series(name, kind, values, recent) for name, kind, values in series]


def _across(values: NDArray[np.float64], what: Any) -> NDArray[np.float64]:  # noqa: ANN401
    """A statistic of the known values of each row; NaN where fewer than two are known."""
    return np.array(
        [what(row[~np.isnan(row)]) if (~np.isnan(row)).sum() >= 2 else np.nan for row in values]
    )


def _texts_a_session(case: Case) -> NDArray[np.float64]:
    sessions = case.inputs.document_sessions().cpu().numpy()
    total = len(case.market.clock)
    counts = np.bincount(sessions[sessions < total], minlength=total)
    return counts[case.market.first :].astype(np.float64)


def _levels_of_sessions(case: Case, recent: int, limits: Limits) -> list[Level]:
    """Coverage of prices and signals, and texts a session."""
    market, first = case.market, case.market.first
    levels = []

    def covered(name: str, known: NDArray[np.bool_], limit: float | None) -> None:
        late, before = float(known[-recent:].mean()), float(known[:-recent].mean())
        levels.append(Level(name, late, before, limit, least=True))

    listed = market.panel.member[first:].any(axis=0)
    prices = ~np.isnan(market.panel.field("close")[first:][:, listed])
    covered("prices known", prices, limits.price_coverage)
    for key, values in case.features.items():
        own = values[first:].cpu().numpy()
        known = ~np.isnan(own if own.ndim == 1 else own[:, listed])
        covered(f"{key} known", known, limits.signal_coverage)
    if len(market.documents):
        counts = _texts_a_session(case)
        before = float(counts[:-recent].mean())
        late = float(counts[-recent:].mean())
        share = late / before if before > 0 else None
        name = "texts a session, of those before"
        levels.append(Level(name, share, 1.0, limits.documents, least=True))
    return levels


Scored = dict[str, tuple["Scorer", "NDArray[np.float32]"]]


def _of_texts(documents: Documents, scorers: Scored, recent: int) -> list[Series]:
    """One value a text: its length, its latency, every output of every scorer."""
    length = np.array([float(len(text)) for text in documents.texts])
    series = [
        Series("length of the texts", "inputs", np.log1p(length), recent),
        Series("hours until known", "inputs", _latency(documents), recent),
    ]
    for name, (scorer, scores) in scorers.items():
        if len(scorer.outputs) <= MOST_OUTPUTS:
            series += [
                Series(f"{name}.{output}", "scores", scores[:, k].astype(np.float64), recent)
                for k, output in enumerate(scorer.outputs)
            ]
    return series


MOST_OUTPUTS = 10
"""A scorer with more of them gives vectors, which aren't looked at one by one."""


def _latency(documents: Documents) -> NDArray[np.float64]:
    waited = documents.known_at - documents.event_at
    hours: NDArray[np.float64] = waited.astype("timedelta64[s]").astype(np.float64) / 3600.0
    return hours


def _levels_of_texts(
    documents: Documents, scorers: Scored, recent: int, limits: Limits
) -> list[Level]:
    """Latency, flagged texts, and how many have a score."""
    latency = _latency(documents)
    flagged = np.array([_is_flagged(text) for text in documents.texts])
    before, late = slice(None, len(flagged) - recent), slice(len(flagged) - recent, None)
    if not recent:
        return []
    levels = [
        Level(
            "hours until known, median",
            float(np.median(latency[late])),
            float(np.median(latency[before])) if len(latency[before]) else None,
            limits.latency_hours,
            least=False,
        ),
        Level(
            "flagged texts",
            float(flagged[late].mean()),
            float(flagged[before].mean()) if len(flagged[before]) else None,
            limits.flagged,
            least=False,
        ),
    ]
    for name, (_, scores) in scorers.items():
        known = ~np.isnan(scores[:, -1])
        levels.append(
            Level(
                f"{name} known",
                float(known[late].mean()),
                float(known[before].mean()) if len(known[before]) else None,
                limits.score_coverage,
                least=True,
            )
        )
    return levels


def _is_flagged(text: str) -> bool:
    """Nothing left to read, or characters that hide or forge something."""
    found = cleaned(text)
    return not found.text or found.bidi > 0 or found.mixed_script > 0


def _told(
    subject: str,
    since: dt.date,
    until: str,
    series: list[Series],
    levels: list[Level],
    *,
    limits: Limits,
    changed: list[str],
    earned: Series | None = None,
) -> dict[str, Any]:
    """Every series tested, the p-values corrected together, and what raises an alarm.

    `earned` is tested for a lower mean too: outcome against expectation.
    """
    if not any(each.recent for each in series):
        raise DataError(f"{subject}: nothing since {since}")
    drifts = [
        {
            "name": each.name,
            "kind": each.kind,
            **asdict(drift(each.values, recent=each.recent, draws=DRAWS, seed=i)),
        }
        for i, each in enumerate(series)
    ]
    if earned is not None:
        lower = shortfall(earned.values, recent=earned.recent, draws=DRAWS)
        name = "net return, lower on average"
        drifts.append({"name": name, "kind": "performance", **asdict(lower)})
    tested = [each for each in drifts if each["p"] is not None]
    for row, adjusted in zip(tested, holm([each["p"] for each in tested]), strict=True):
        row["p_adjusted"] = adjusted
    alarms = [
        f"{row['name']} is not what it was (p {row['p_adjusted']:.3f} after correction)"
        for row in tested
        if row["p_adjusted"] <= limits.alpha
    ]
    alarms += [
        f"{each.name}: {each.recent:.4g}, {'below' if each.least else 'above'} the limit "
        f"{each.limit:.4g}"
        for each in levels
        if each.passed
    ]
    return {
        "kind": "monitor",
        "subject": subject,
        "since": since.isoformat(),
        "until": until,
        "unit": "texts" if earned is None else "sessions",
        "alarms": alarms,
        "drifts": drifts,
        "levels": [{**asdict(each), "passed": each.passed} for each in levels],
        "changed": changed,
        "limits": limits.model_dump(mode="json"),
    }
