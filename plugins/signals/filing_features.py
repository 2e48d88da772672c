"""What a company's last report says and how, and what its accounts show."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field

from finstrat.components import Signal
from finstrat.data import align, ratios
from finstrat.data.statements import quarters_as_of, years_as_of
from finstrat.text.filing import Filing, parse_filing
from finstrat.text.filing_change import Change, change, comparable
from finstrat.text.readability import Reading, reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Inputs

    Floats = NDArray[np.float64]

OF_TEXT = (
    *("tone", "uncertainty", "litigiousness", "fog", "size"),
    *("cosine", "jaccard", "risks_added"),
)
OF_FACTS = (
    *("revenue_growth", "gross_margin", "operating_margin", "net_margin"),
    *("accruals", "cash_accruals", "leverage", "coverage", "f_score", "m_score"),
)
READ = ("text", "facts")


class FilingFeatures(Signal):
    """The newest annual or quarterly report of each company, from its acceptance on.

    Of its text, from the documents: tone by `scorer`, shares of uncertain and litigious words, the
    fog index, the logarithm of its length, similarity to the comparable report a year before
    (cosine, jaccard) and the share of new risk factors. Amendments change none of them.

    Of the accounts, from the facts: growth of the newest quarter's revenue against the same quarter
    of the year before, and of the newest year gross, operating and net margin, Sloan's accruals and
    those of the cash flow statement, debt over assets, interest coverage, Piotroski's F, Beneish's
    M. A restatement counts from its own filing.

    NaN where something isn't known, or the report is older than `stale_days`. The docs page
    filings.md has the definitions; `finstrat.text.readability`, `finstrat.text.filing_change` and
    `finstrat.data.ratios` have the sources.
    """

    name = "filing-features"
    version = "1"
    memory = "expanding"

    class Config(Signal.Config):
        """What is read, and by whom."""

        read: tuple[Literal["text", "facts"], ...] = Field(
            ("text", "facts"), min_length=1, description="what the run has of the two"
        )
        scorer: str = Field("lm-lexicon", description="scorer of the tone of a whole report")
        stale_days: int = Field(
            500, ge=1, description="days after which a report or a period says nothing any more"
        )

    config: Config

    @property
    def outputs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the text, those of the facts, or both."""
        halves = {"text": OF_TEXT, "facts": OF_FACTS}
        return tuple(name for half in READ if half in self.config.read for name in halves[half])

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Documents, facts, or both."""
        needed = {"text": "documents", "facts": "facts"}
        return tuple(needed[half] for half in READ if half in self.config.read)

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions in which the last report and the comparable one before it lie."""
        return 550 if "text" in self.config.read else 0

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, K]`, in the order of `outputs`."""
        halves = []
        if "text" in self.config.read:
            halves.append(self._of_text(inputs))
        if "facts" in self.config.read:
            halves.append(self._of_facts(inputs))
        return torch.from_numpy(np.concatenate(halves, axis=2)).to(inputs.device)

    def _of_text(self, inputs: Inputs) -> Floats:
        """`[T, N, 8]`: the values of the newest report that each session may know."""
        documents = inputs.documents
        if not len(documents):
            return np.full((*inputs.shape, len(OF_TEXT)), np.nan)
        tones = inputs.scores(self.config.scorer)[:, -1].double().cpu().numpy()
        sessions = align.document_sessions(documents, inputs.clock)
        columns = align.document_assets(documents, inputs.panel.assets)
        found = np.full((*inputs.shape, len(OF_TEXT)), np.nan)
        known_on = np.full(inputs.shape, np.datetime64("NaT"), dtype="datetime64[D]")
        history: dict[int, list[Filing]] = {}
        for row in documents.in_time.tolist():
            if columns[row] < 0 or sessions[row] == len(inputs.clock):
                continue
            filing = _filing(documents.texts[row])
            if filing.form not in {"10-K", "10-Q"} or filing.amended:
                continue
            earlier = history.setdefault(int(columns[row]), [])
            place = comparable(filing, earlier)
            changed = None if place is None else _change(filing, earlier[place])
            earlier.append(filing)
            after = slice(int(sessions[row]), None)
            found[after, columns[row]] = _values(float(tones[row]), _reading(filing), changed)
            known_on[after, columns[row]] = documents.known_at[row].astype("datetime64[D]")
        return np.where(self._fresh(inputs, known_on)[:, :, None], found, np.nan)

    def _of_facts(self, inputs: Inputs) -> Floats:
        """`[T, N, 10]`: ratios of the newest quarter and year that each session may know."""
        clock, assets = inputs.clock, inputs.panel.assets
        quarter = quarters_as_of(inputs.facts, ("revenue",), clock=clock, assets=assets)
        years = years_as_of(inputs.facts, ratios.FIRM_YEAR, clock=clock, assets=assets)
        now, before, earlier = years.now, years.before, years.earlier
        revenue = now["revenue_year"]
        of_year = np.stack(
            [
                ratios.share(ratios.gross_profit(now), revenue),
                ratios.share(ratios.earnings_before_interest(now), revenue),
                ratios.share(now["net_income_year"], revenue),
                ratios.sloan_accruals(now, before),
                ratios.cash_accruals(now, before),
                ratios.leverage(now),
                ratios.coverage(now),
                ratios.piotroski_f(now, before, earlier),
                ratios.beneish_m(now, before),
            ],
            axis=2,
        )
        growth = ratios.growth(quarter.now["revenue"], quarter.before["revenue"])
        growth = np.where(self._fresh(inputs, quarter.ended), growth, np.nan)
        of_year = np.where(self._fresh(inputs, years.ended)[:, :, None], of_year, np.nan)
        return np.concatenate([growth[:, :, None], of_year], axis=2)

    def _fresh(self, inputs: Inputs, since: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Where something known or ended on a day isn't too old yet, `[T, N]`."""
        age = inputs.panel.times[:, None] - since
        return np.asarray(age <= np.timedelta64(self.config.stale_days, "D"))


def _values(tone: float, read: Reading, changed: Change | None) -> tuple[float, ...]:
    """The values of one report, in the order of `OF_TEXT`."""
    change_ = changed or Change(np.nan, np.nan, np.nan)
    return (
        *(tone, read.uncertainty, read.litigiousness, read.fog, read.log_size),
        *(change_.cosine, change_.jaccard, change_.risks_added),
    )


# One run reads the same reports several times, as its checks and its twin do.
_filing = lru_cache(maxsize=512)(parse_filing)
_change = lru_cache(maxsize=512)(change)


@lru_cache(maxsize=512)
def _reading(filing: Filing) -> Reading:
    return reading(filing.text)
