"""What a signal can read off a run's documents besides scores, each in one line.

Every function takes a signal's `inputs` and gives tensors with one entry a document, to be put on
sessions as scores are. A document's entry uses nothing that became known after the document did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.components import Inputs
    from finstrat.data.entities import Entities


@dataclass(frozen=True, eq=False)
class AssetLinks:
    """Which documents name which assets of the run, M links.

    Attributes:
        documents: row of the document, int64 `[M]`, rising.
        assets: column of the asset, int64 `[M]`.
        coverage: what was and wasn't mapped; see `finstrat.text.entities.Links.coverage`.
    """

    documents: torch.Tensor
    assets: torch.Tensor
    coverage: dict[str, int | float | None]


def novelty_of(inputs: Inputs, *, encoder: str | None = None, days: float = 7.0) -> torch.Tensor:
    """How new each document is beside its asset's earlier ones of the last `days`, `[D]` in [0, 1].

    By shared words, or with `encoder`, a scorer whose outputs are a vector such as
    "minilm-embedding", by meaning. NaN for a text with nothing to compare. See
    `finstrat.text.novelty`.
    """
    from finstrat.text.novelty import novelty

    vectors = None if encoder is None else inputs.scores(encoder).cpu().numpy()
    return _tensor(novelty(inputs.documents, days=days, vectors=vectors).novelty, inputs)


def earlier_copies_of(inputs: Inputs, *, days: float = 7.0) -> torch.Tensor:
    """How many earlier posts of the last `days` share each one's template, int64 `[D]`.

    -1 for another row of the same document. See `finstrat.text.repetition`.
    """
    from finstrat.text.repetition import earlier_copies

    return torch.from_numpy(earlier_copies(inputs.documents, days=days)).to(inputs.device)


def term_weights_of(inputs: Inputs, terms: Sequence[str]) -> torch.Tensor:
    """The TF-IDF weight of K words in each document, `[D, K]`; 0 = not used, NaN = no word at all.

    Document frequencies are those of the documents of earlier sessions. A word is one as
    `finstrat.text.words` cuts it: lower case, no stop word.
    """
    from finstrat.text.keywords import term_weights

    periods = inputs.document_sessions().cpu().numpy()
    weights = term_weights(inputs.documents.texts, periods)
    columns = [weights.of(term) for term in terms]
    return _tensor(np.stack(columns, axis=1) if columns else np.empty((len(periods), 0)), inputs)


def events_of(inputs: Inputs) -> torch.Tensor:
    """Which kinds of event each document tells of, bool `[D, K]`, by `finstrat.text.events`."""
    from finstrat.text.events import event_table

    wording = inputs.documents.wording
    table = wording.once("events", event_table)[wording.places]
    return torch.from_numpy(table).to(inputs.device)


def links_of(inputs: Inputs, entities: Entities) -> AssetLinks:
    """The assets that each document names, whatever asset it is filed under.

    For texts about the market as a whole, or about several assets at once. Assets that the run
    doesn't trade are left out of the links, not of the coverage.
    """
    from finstrat.text.entities import link

    found = link(inputs.documents, entities)
    column = {name: place for place, name in enumerate(inputs.panel.assets)}
    columns = np.array([column.get(name, -1) for name in found.assets], dtype=np.int64)
    traded = columns >= 0
    return AssetLinks(
        documents=torch.from_numpy(found.documents[traded]).to(inputs.device),
        assets=torch.from_numpy(columns[traded]).to(inputs.device),
        coverage=found.coverage(),
    )


def _tensor(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], inputs: Inputs
) -> torch.Tensor:
    # A copy, since what was worked out once is shared and torch takes only what can be written to.
    return torch.from_numpy(values.copy()).to(inputs.device)
