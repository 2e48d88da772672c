"""A backtest file: what it may say, and errors that point at the line where it says otherwise.

`Backtest` is the file as written plus defaults; `resolve` turns the names in it into components.
Nothing is loaded or computed here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from finstrat.components import (
    Component,
    CostModel,
    FactSource,
    MarketSource,
    Optimizer,
    Scorer,
    Settings,
    Signal,
    Strategy,
    TextSource,
)
from finstrat.errors import ConfigError, did_you_mean
from finstrat.portfolio.problem import Constraints
from finstrat.simulate.execution import Execution
from finstrat.simulate.inference import InferencePrice
from finstrat.text.rules import Rule, require_different_names
from finstrat.toml_file import TomlFile, config_error, dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from finstrat.host import Host, Registered
    from finstrat.portfolio.fallback import LastResort

C = TypeVar("C", bound=Component)


class Use(BaseModel):
    """A component by name, and its options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    use: str = Field(description="name of the component; `finstrat plugins list` shows them")

    @property
    def options(self) -> dict[str, Any]:
        """The options as written."""
        return dict(self.model_extra or {})


class OptimizerUse(Use):
    """An optimizer, and what stands in for it where it finds no weights."""

    fallback: tuple[str, ...] = Field(
        ("hold",),
        description='names of optimizers, in order; "hold" keeps what is held, "cash" sells it',
    )


def _formula(signal: Any) -> Any:  # noqa: ANN401 - as written in the file
    """A signal given as one line is the signal "expression" with that line."""
    return {"use": "expression", "formula": signal} if isinstance(signal, str) else signal


SignalUse = Annotated[Use, BeforeValidator(_formula, json_schema_input_type=Use | str)]
"""A signal's table, or its formula alone."""


class Market(Settings):
    """Where and in which currency the run trades."""

    calendar: str = Field("XNYS", description="exchange calendar (exchange-calendars code)")
    currency: str = Field("USD", description="the one currency of the run")
    benchmark: str = Field("equal-weight", description='"equal-weight", "none", or an asset id')
    risk_free: float = Field(0.0, description="annual risk-free rate, as a fraction")
    latency_minutes: float = Field(
        0.0, ge=0, description="minutes before the close after which a text no longer counts"
    )


class Dates(Settings):
    """The evaluated span; earlier prices are loaded for warm-up where the source has them."""

    start: dt.date
    end: dt.date

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: dt.date, given: ValidationInfo) -> dt.date:
        start = given.data.get("start")
        if start is not None and end <= start:
            raise ValueError(f"the end {end} does not lie after the start {start}")
        return end


class Assets(Settings):
    """Which assets to trade; all that the price source has, by default."""

    assets: tuple[str, ...] | None = None


class Backtest(Settings):
    """One backtest file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    seed: int = 0
    declared_trials: int = Field(0, ge=0, description="variants tried elsewhere, before this file")
    span: Dates
    market: Market = Field(default_factory=Market)
    universe: Assets = Field(default_factory=Assets)
    prices: Use
    documents: dict[str, Use] = Field(default_factory=dict)
    facts: dict[str, Use] = Field(default_factory=dict)
    scorers: dict[str, Use] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = Field((), description="what holds scores to their texts, in order")
    signals: dict[str, SignalUse] = Field(default_factory=dict)
    strategy: Use
    optimizer: OptimizerUse | None = None
    costs: Use = Use(use="proportional")
    inference: dict[str, InferencePrice] = Field(
        default_factory=dict, description="what each scorer costs; nothing where it isn't declared"
    )
    limits: Constraints = Field(default_factory=Constraints)
    execution: Execution = Field(default_factory=Execution)

    @field_validator("rules")
    @classmethod
    def _told_apart(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        require_different_names(rules)
        return rules

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, with every default.

        `rules` and `inference` only where there are some: a run without any stays the trial that
        it always was.
        """
        absent = {name for name in ("rules", "inference") if not getattr(self, name)}
        return self.model_dump(mode="json", exclude=absent)

    @field_validator("costs", mode="before")
    @classmethod
    def _proportional(cls, costs: Any) -> Any:  # noqa: ANN401 - as written in the file
        """Options of the usual cost model may stand without its name."""
        if isinstance(costs, dict) and "use" not in costs:
            return {"use": "proportional", **costs}
        return costs


def load(file: TomlFile) -> Backtest:
    """The backtest that `file` describes.

    Raises:
        ConfigError: every mistake, each with file, line, key, and the nearest valid name.
    """
    try:
        return Backtest.model_validate(file.data)
    except ValidationError as error:
        raise config_error(error, file, (), Backtest) from None


@dataclass(frozen=True)
class Plan:
    """A backtest with its names turned into components.

    `root` is its project's, and `where` the line that sets its span.
    """

    config: Backtest
    prices: MarketSource
    documents: dict[str, TextSource]
    facts: dict[str, FactSource]
    scorers: dict[str, Scorer]
    signals: dict[str, Signal]
    strategy: Strategy
    optimizer: Optimizer | None
    fallbacks: tuple[Optimizer | LastResort, ...]
    costs: CostModel
    resolved: dict[str, Any]
    components: dict[str, dict[str, str]]
    root: Path
    where: str


def resolve(config: Backtest, host: Host, *, file: TomlFile | None = None, root: Path) -> Plan:
    """Every component that `config` names, made from its options.

    `resolved` is the whole configuration with every default written out; paths stay as written.
    `components` says, for each, who provides it. Relative paths in options start at `root`.
    """
    source = file or TomlFile(config.name, "", {})
    resolved = config.to_dict()
    components: dict[str, dict[str, str]] = {}

    def make(base: type[C], use: Use, *key: str) -> C:
        try:
            registered = host.get(base, use.use)
        except ConfigError as error:
            raise ConfigError(
                f"{source.where((*key, 'use'))}: {dotted(key)}.use: {error}"
            ) from None
        try:
            settings = registered.component.Config.model_validate(use.options)
        except ValidationError as error:
            raise config_error(error, source, key, registered.component.Config) from None
        target = resolved
        for part in key[:-1]:
            target = target[part]
        declared = use.model_dump(mode="json", include=set(type(use).model_fields))
        target[key[-1]] = {**declared, **settings.model_dump(mode="json")}
        components[dotted(key)] = _provenance(registered)
        made = registered.component(_rooted(settings, root))
        assert isinstance(made, base)
        return made

    def make_all(base: type[C], uses: Mapping[str, Use], key: str) -> dict[str, C]:
        return {name: make(base, use, key, name) for name, use in uses.items()}

    scorers = make_all(Scorer, config.scorers, "scorers")
    signals = make_all(Signal, config.signals, "signals")
    _check_needs(signals, source)
    for name, signal in signals.items():
        # A signal may name a scorer that has no table of its own: then its defaults are meant.
        for key in ("scorer", "encoder"):
            wanted = getattr(signal.config, key, None)
            if isinstance(wanted, str) and wanted not in scorers:
                try:
                    scorers[wanted] = make(Scorer, Use(use=wanted), "scorers", wanted)
                except ConfigError as error:
                    where = source.where(("signals", name, key))
                    reason = str(error).split(".use: ", 1)[-1]
                    raise ConfigError(f"{where}: signals.{name}.{key}: {reason}") from None
    _check_rules(config.rules, scorers, source)
    _check_prices(config.inference, scorers, source)
    return Plan(
        config=config,
        prices=make(MarketSource, config.prices, "prices"),
        documents=make_all(TextSource, config.documents, "documents"),
        facts=make_all(FactSource, config.facts, "facts"),
        scorers=scorers,
        signals=signals,
        strategy=make(Strategy, config.strategy, "strategy"),
        optimizer=make(Optimizer, config.optimizer, "optimizer") if config.optimizer else None,
        fallbacks=_fallbacks(config.optimizer, host, source),
        costs=make(CostModel, config.costs, "costs"),
        resolved=resolved,
        components=components,
        root=root,
        where=source.where(("span", "end")),
    )


def _fallbacks(
    use: OptimizerUse | None, host: Host, source: TomlFile
) -> tuple[Optimizer | LastResort, ...]:
    """What stands in for the optimizer, in order: others with their defaults, "hold" or "cash"."""
    found: list[Optimizer | LastResort] = []
    for name in () if use is None else use.fallback:
        if name in {"hold", "cash"}:
            found.append(cast("LastResort", name))
            continue
        try:
            made = host.get(Optimizer, name).component()
        except ConfigError as error:
            where = source.where(("optimizer", "fallback"))
            raise ConfigError(f"{where}: optimizer.fallback: {error}") from None
        assert isinstance(made, Optimizer)
        found.append(made)
    return tuple(found)


def _check_needs(signals: Mapping[str, Signal], source: TomlFile) -> None:
    """Refuse a signal that needs an output of another which no signal of the file has."""
    known = {f"{name}.{output}" for name, signal in signals.items() for output in signal.outputs}
    for name, signal in signals.items():
        for need in signal.needs:
            if "." in need and need not in known:
                where = source.mention(("signals", name), need)
                hint = did_you_mean(need, known - {f"{name}.{own}" for own in signal.outputs})
                raise ConfigError(f'{where}: signals.{name}: no signal output "{need}"{hint}')


def _check_rules(rules: tuple[Rule, ...], scorers: Mapping[str, Scorer], source: TomlFile) -> None:
    """Refuse a rule for a scorer that the run doesn't have."""
    for place, rule in enumerate(rules):
        if rule.scorer is not None and rule.scorer not in scorers:
            where = source.where(("rules", place, "scorer"))
            hint = did_you_mean(rule.scorer, scorers)
            raise ConfigError(f'{where}: rules: no signal reads a scorer "{rule.scorer}"{hint}')


def _check_prices(
    prices: Mapping[str, InferencePrice], scorers: Mapping[str, Scorer], source: TomlFile
) -> None:
    """Refuse the price of a scorer that the run doesn't have."""
    for name in prices:
        if name not in scorers:
            where = source.where(("inference", name))
            hint = did_you_mean(name, scorers)
            raise ConfigError(f'{where}: inference: no signal reads a scorer "{name}"{hint}')


def _provenance(registered: Registered) -> dict[str, str]:
    provider = registered.provider
    return {
        "name": registered.component.name,
        "version": registered.component.version,
        "plugin": provider.plugin,
        "distribution": provider.distribution,
        "distribution_version": provider.version,
        "file": provider.file,
        "sha256": provider.sha256,
    }


def _rooted(settings: Settings, root: Path) -> Settings:
    """`settings` with every relative path starting at `root`."""
    relative = {
        name: root / value.expanduser()
        for name, value in settings
        if isinstance(value, Path) and name in settings.model_fields_set
    }
    return settings.model_copy(update=relative) if relative else settings
