"""The base classes of everything a plugin may provide, and what they exchange.

A component is a name, a version, a frozen `Config` and one method. The base class says what kind
it is; the pipeline decides when it is called and with what. Heavy types are named for the type
checker only, so importing this module costs little.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from finstrat.costs import CostRates
    from finstrat.data import Clock, Documents, Facts, Panel, Span, Universe
    from finstrat.data.labels import Fill
    from finstrat.fitting import Fit
    from finstrat.portfolio.problem import Problem
    from finstrat.report.block import Block
    from finstrat.store import RunResult
    from finstrat.text.card import ModelCard
    from finstrat.text.differentiable import Differentiable


class Settings(BaseModel):
    """A frozen set of options; an unknown key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Component:
    """Anything a plugin provides.

    Attributes:
        name: how backtest files refer to it, in kebab-case, unique among its kind.
        version: of its meaning; raise it when the same inputs would give other numbers.
        config: the options of this instance.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[str]

    class Config(Settings):
        """No options."""

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        """Make an instance from its `Config`, from a mapping of options, or from the defaults."""
        if not isinstance(config, self.Config):
            given = config.model_dump() if isinstance(config, Settings) else dict(config or {})
            config = self.Config.model_validate(given)
        self.config = config


@dataclass(frozen=True)
class Inputs:
    """What a signal or strategy may see; nothing in it can be written to.

    Attributes:
        panel: prices, T sessions by N assets.
        documents: D texts; use `document_sessions` to learn when each may count.
        facts: reported numbers.
        clock: the T sessions and their cutoffs.
        features: outputs of the signals computed so far, by "signal.output": `[T, N]` or `[T]`.
        device: where tensors live.
        first: the first session that is traded; rows before it are warm-up.
        scorer: scores all the documents with the named scorer; use `scores`.
        fill: where a decision of session t is filled, which is where returns to learn from begin.
        seed: for whatever draws at random.
        fitted: told of every fit, for the run's manifest.
    """

    panel: Panel
    documents: Documents
    facts: Facts
    clock: Clock
    device: torch.device
    features: Mapping[str, torch.Tensor] = field(default_factory=dict)
    first: int = 0
    scorer: Callable[[str], torch.Tensor] | None = None
    fill: Fill = "next-close"
    seed: int = 0
    fitted: Callable[[Fit], None] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """`(T, N)`: sessions and assets."""
        return self.panel.shape

    def prices(self, name: str = "close") -> torch.Tensor:
        """One field of the panel, adjusted, float64 `[T, N]`; NaN = unknown."""
        return self.panel.tensor(name, device=self.device)

    def members(self) -> torch.Tensor:
        """Who belongs to the universe at each session, bool `[T, N]`."""
        import torch

        return torch.from_numpy(self.panel.member.copy()).to(self.device)

    def scores(self, name: str) -> torch.Tensor:
        """The scores of every document by the named scorer, `[D, K]`; NaN = unknown."""
        if self.scorer is None:
            from finstrat.errors import PluginError

            raise PluginError(f'scores("{name}") was asked for, but this run has no documents')
        return self.scorer(name).to(self.device)

    def document_sessions(self) -> torch.Tensor:
        """The first session that may use each document, int64 `[D]`; T = none of them."""
        import torch

        from finstrat.data import align

        return torch.from_numpy(align.document_sessions(self.documents, self.clock)).to(self.device)

    def document_assets(self) -> torch.Tensor:
        """The column each document is about, int64 `[D]`; -1 = the market, or an unknown asset."""
        import torch

        from finstrat.data import align

        columns = align.document_assets(self.documents, self.panel.assets)
        return torch.from_numpy(columns).to(self.device)

    def feature(self, name: str) -> torch.Tensor:
        """One output of an earlier signal, by "signal.output"."""
        if name not in self.features:
            from finstrat.errors import ConfigError, did_you_mean

            hint = did_you_mean(name, self.features)
            raise ConfigError(f'no signal output "{name}"{hint}')
        return self.features[name]


@dataclass(frozen=True)
class Decision:
    """What a strategy wants, decided at the close of every session.

    At most one of `alpha` and `weights` is given; with neither, a risk-only optimizer decides.

    Attributes:
        alpha: `[T, N]` unitless ranking or z-score; NaN = no opinion.
        weights: `[T, N]` fractions of net asset value; only without an optimizer.
        eligible: bool `[T, N]`; default: every member.
        exposure: `[T]`, multiplies the weights; default 1.
        rebalance: bool `[T]`; False means hold. Default: every session.
    """

    alpha: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    eligible: torch.Tensor | None = None
    exposure: torch.Tensor | None = None
    rebalance: torch.Tensor | None = None


class MarketSource(Component, ABC):
    """Prices."""

    kind = "source"

    @abstractmethod
    def load(self, universe: Universe, span: Span) -> Panel:
        """The prices of `universe` within `span`; what the source lacks is simply absent."""


class TextSource(Component, ABC):
    """Documents."""

    kind = "source"

    @abstractmethod
    def load(self, universe: Universe, span: Span) -> Documents:
        """The documents known within `span` about `universe`."""


class FactSource(Component, ABC):
    """Point-in-time numbers: fundamentals, ratings, sectors, shares, borrower tables."""

    kind = "source"

    @abstractmethod
    def load(self, universe: Universe, span: Span) -> Facts:
        """The facts known within `span` about `universe`."""


class Scorer(Component, ABC):
    """Turns a text into K numbers that depend on that text alone."""

    kind = "scorer"
    outputs: tuple[str, ...]
    """K names, like ("score",) or ("negative", "neutral", "positive", "score")."""
    precision: ClassVar[Literal["fp32", "fp16"]] = "fp32"
    """How scores are kept and handed on; fp16 halves the cache of embeddings."""
    unknown_is_final: ClassVar[bool] = True
    """Whether an unknown score stays so; False where an answer may come next time."""
    remembers: ClassVar[bool] = True
    """Whether its numbers may hold what its training read of the world; False for word lists."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """What the numbers depend on besides the text: weights, head, prompt, dtype, code."""

    @property
    @abstractmethod
    def card(self) -> ModelCard:
        """Where the model comes from, and until when its training data reach."""

    @property
    def usage(self) -> dict[str, float]:
        """What scoring took since this object was made, by name; {} where nothing is counted.

        Counts of documents, requests and tokens, and `cost` in whatever money was declared. It
        goes into a run's provenance, since the next run finds the same scores in the cache.
        """
        return {}

    def to(self, device: torch.device) -> None:
        """Compute on `device` from now on; a scorer with no use for one ignores it."""

    @abstractmethod
    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, K]` float32 on the CPU, in the order of `texts`; NaN for a text with none.

        Bit for bit the same for one text, whatever its companions and their order.
        """

    def words_behind(self, text: str) -> Sequence[tuple[int, int, float]] | None:  # noqa: ARG002
        """The words that the score of a text counts, as (start, end, effect), or None.

        For a scorer that looks words up. None, the default, says that it doesn't count words; each
        word is then left out in turn to see what changes.
        """
        return None

    def differentiable(self) -> Differentiable | None:
        """The same outputs as a function of embeddings that has gradients, or None, the default.

        For a scorer that is a neural network to its end; `finstrat model explain` reads it.
        """
        return None

    def log_likelihoods(
        self,
        beginnings: Sequence[str],  # noqa: ARG002
        endings: Sequence[str],  # noqa: ARG002
    ) -> torch.Tensor | None:
        """How likely the model finds each ending after its beginning, or None, the default.

        Mean log probability of an ending's tokens, `[D]` float64 on the CPU, without the prompt.
        For a generative model that runs here: an audit asks it what it remembers.
        """
        return None


Placebo = Literal["shift", "swap"]
"""The same texts at other times, or about other assets."""


class Signal(Component, ABC):
    """A feature of time, and of assets where `scope` is "asset".

    Attributes:
        scope: "asset" gives `[T, N, K]` (or `[T, N]` where K = 1), "market" `[T, K]` (or `[T]`).
        outputs: K names; a strategy addresses one as "signal.output".
        needs: what `inputs` must hold: panel fields, "documents", "facts", or "signal.output".
        warmup: sessions before the first that counts; with finite memory, row t depends on the
            rows t - warmup to t only.
        memory: "finite" or "expanding".
        placebos: for one that reads documents, what would show it to be luck: "shift" (the texts at
            other times) and "swap" (about other assets). None, the default: both where `scope` is
            "asset", "shift" where it is "market".
    """

    kind = "signal"
    scope: Literal["asset", "market"] = "asset"
    outputs: tuple[str, ...] = ("value",)
    needs: tuple[str, ...] = ()
    warmup: int = 0
    memory: Literal["finite", "expanding"] = "finite"
    placebos: ClassVar[tuple[Placebo, ...] | None] = None

    @abstractmethod
    def compute(self, inputs: Inputs) -> torch.Tensor:
        """The feature; row t uses nothing known at or after cutoff t. NaN = unknown."""

    def contributions(
        self,
        inputs: Inputs,  # noqa: ARG002
        output: str,  # noqa: ARG002
        *,
        asset: str,  # noqa: ARG002
        row: int,  # noqa: ARG002
    ) -> NDArray[np.float64] | None:
        """How much each document moves `output` of `asset` at one row, `[D]`, or None.

        The output less what it is without the document; NaN where a document doesn't count. None,
        the default, lets finstrat leave out one document at a time, which takes a computation each.
        """
        return None


class Strategy(Component, ABC):
    """Decides what to hold.

    Attributes:
        warmup: sessions before the first traded one that it looks back on; they are loaded.
    """

    kind = "strategy"
    warmup: int = 0

    @abstractmethod
    def decide(self, inputs: Inputs) -> Decision:
        """The decision at each session; row t uses nothing known at or after cutoff t."""


class Optimizer(Component, ABC):
    """Decides how much of each eligible asset to hold.

    Attributes:
        window: trailing returns it wants, W sessions; the first W sessions hold cash.
        uses_current: whether it looks at the weights already held; such problems run in order.
        uses_costs: whether it looks at what trading costs; the answers of one that doesn't serve
            configurations that differ in costs alone.
        uses_views: whether it wants expected returns, made of the strategy's alpha.
    """

    kind = "optimizer"
    window: int = 0
    uses_current: ClassVar[bool] = False
    uses_costs: ClassVar[bool] = True
    uses_views: ClassVar[bool] = False

    @abstractmethod
    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]` for the problem's M assets."""

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same as `solve` on each; override where batching is faster."""
        return [self.solve(problem) for problem in problems]


class CostModel(Component, ABC):
    """What trading costs."""

    kind = "cost"

    @abstractmethod
    def rates(self, panel: Panel) -> CostRates:
        """Fees and slippage, as fractions of the traded value."""


class CreditModel(Component, ABC):
    """Default probabilities by entity and date; never a Panel."""

    kind = "credit"

    @abstractmethod
    def assess(self, facts: Facts) -> pd.DataFrame:
        """One row an entity and moment: entity, as_of, probability, horizon_years, band, reasons.

        `as_of` is the moment from which all that the row uses was known; NaN = unknown.
        """


class Section(Component, ABC):
    """One part of a report.

    Attributes:
        serves: the kinds of result it can describe.
        order: sections appear in rising order, then by name.
    """

    kind = "section"
    serves: ClassVar[tuple[Literal["backtest", "credit", "returns"], ...]] = ("backtest",)
    order: ClassVar[int] = 100

    @abstractmethod
    def build(self, result: RunResult) -> Block:
        """The part's text, figures, tables and charts, as plain data."""


KINDS: tuple[type[Component], ...] = (
    MarketSource,
    TextSource,
    FactSource,
    Scorer,
    Signal,
    Strategy,
    Optimizer,
    CostModel,
    CreditModel,
    Section,
)
"""Every base class, in the order of the pipeline."""


def base_of(component: type[Component]) -> type[Component] | None:
    """The one base class in `KINDS` that `component` extends, or None."""
    return next((base for base in KINDS if issubclass(component, base)), None)
