"""What it costs to have a model read the documents, as if no score were kept from an earlier run.

Charged to the session from which each document counts, as a share of the account's capital. The
account itself trades as it did: what inference costs is taken out of what it earned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from finstrat.components import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray


class InferencePrice(Settings):
    """What a scorer costs a document, in the run's currency; the options of `[inference.NAME]`.

    Tokens are counted as characters of the raw text over `characters_per_token`, plus
    `prompt_tokens`: a price list's measure, no tokenizer's.
    """

    per_1000_documents: float = Field(0.0, ge=0, allow_inf_nan=False)
    per_million_tokens: float = Field(0.0, ge=0, allow_inf_nan=False)
    prompt_tokens: int = Field(0, ge=0, description="read and written beside each text")
    characters_per_token: float = Field(4.0, gt=0, allow_inf_nan=False)

    def of(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The cost of each text, `[D]`; one that comes twice is paid twice."""
        lengths = np.array([len(text) for text in texts], dtype=np.float64)
        tokens = self.prompt_tokens + lengths / self.characters_per_token
        return self.per_1000_documents / 1e3 + tokens * (self.per_million_tokens / 1e6)


def paid_by_session(
    cost: NDArray[np.float64], sessions: NDArray[np.int64], *, first: int, count: int
) -> NDArray[np.float64]:
    """What is due at each evaluated session, `[count - first]`, in currency.

    `cost` is that of each document and `sessions` the first that may use it, `[D]` each. Those of
    the warm-up are due at the first evaluated session, since nothing could be decided without
    them; those that no session uses aren't read.
    """
    used = sessions < count
    due: NDArray[np.float64] = np.bincount(
        np.maximum(sessions[used] - first, 0), weights=cost[used], minlength=count - first
    ).astype(np.float64)
    return due


def net_of_inference(
    net: NDArray[np.float64], paid: NDArray[np.float64], *, initial_cash: float
) -> NDArray[np.float64]:
    """Daily returns after inference, `[T]`: what is due is taken out at each close.

    Capital follows K(t) = K(t-1) (1 + net) - paid. Once nothing is left the account has ended: -1,
    then 0.
    """
    after = np.zeros_like(net)
    capital = initial_cash
    for t, (earned, due) in enumerate(zip(net.tolist(), paid.tolist(), strict=True)):
        left = max(capital * (1.0 + earned) - due, 0.0)
        after[t] = left / capital - 1.0
        capital = left
        if capital == 0.0:
            break
    return after


def after_inference(
    sessions: pd.DataFrame, paid: NDArray[np.float64], *, initial_cash: float
) -> pd.DataFrame:
    """An account's sessions with `net` and `equity` after inference, and `inference` paid.

    `paid` `[T]` is in currency. Other columns stay those of the account as it traded.
    """
    net = net_of_inference(sessions["net"].to_numpy(), paid, initial_cash=initial_cash)
    equity = initial_cash * np.cumprod(1.0 + net)
    before = np.concatenate([[initial_cash], equity[:-1]])
    return sessions.assign(net=net, equity=equity, inference=np.where(before > 0, paid, 0.0))


def inference_drag(sessions: pd.DataFrame, *, initial_cash: float) -> NDArray[np.float64]:
    """What inference took of each session's return, `[T]`; 0 where no price was declared."""
    if "inference" not in sessions:
        return np.zeros(len(sessions))
    paid, equity = (sessions[name].to_numpy(np.float64) for name in ("inference", "equity"))
    before = np.concatenate([[initial_cash], equity[:-1]])
    drag: NDArray[np.float64] = np.divide(paid, before, out=np.zeros_like(paid), where=before > 0)
    return drag
