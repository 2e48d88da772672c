"""Other futures: the same world up to a cutoff, and something else after it.

Each takes a world, a row t and a random generator, and changes only what is known at or after
cutoff t. T and N stay the same, so a component meets arrays of the shapes it met before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch

from finstrat.data import Documents, Facts
from finstrat.data.panel import PRICES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from finstrat.validate.causality.world import World

    Future = Callable[[World, int, np.random.Generator], World]


def unknown(world: World, row: int, _rng: np.random.Generator) -> World:
    """Later prices and features are NaN; later documents and facts don't exist."""
    values = np.array(world.panel.values)
    values[row + 1 :] = np.nan
    moment = world.clock.cutoff[row]
    return replace(
        world,
        panel=replace(world.panel, values=values),
        documents=world.documents.visible_before(moment),
        facts=world.facts.visible_before(moment),
        features=_later(world.features, row, lambda later: torch.full_like(later, torch.nan)),
    )


def thousandfold(world: World, row: int, _rng: np.random.Generator) -> World:
    """Later prices, volumes, features and facts × 1000; every later document comes twice."""
    values = np.array(world.panel.values)
    for i, name in enumerate(world.panel.fields):
        if name in PRICES or name == "volume":
            values[row + 1 :, :, i] *= 1000.0
    moment = world.clock.cutoff[row]
    frame = world.facts.frame.copy()
    frame.loc[world.fact_moments() >= moment, "value"] *= 1000.0
    documents = world.documents.frame()
    later = documents[world.document_moments() >= moment]
    again = later.assign(id=later["id"] + "#again")
    return replace(
        world,
        panel=replace(world.panel, values=values),
        documents=_sorted(world.documents, again),
        facts=Facts(frame),
        features=_later(world.features, row, lambda later: later * 1000.0),
    )


def reordered(world: World, row: int, rng: np.random.Generator) -> World:
    """Later rows in another order, later members the others, later texts and facts exchanged."""
    order = rng.permutation(np.arange(row + 1, len(world.clock)))
    values, member = np.array(world.panel.values), world.panel.member.copy()
    values[row + 1 :] = values[order]
    member[row + 1 :] = ~member[row + 1 :]
    moment = world.clock.cutoff[row]
    frame = world.facts.frame
    later_facts = np.flatnonzero(world.fact_moments() >= moment)
    numbers = frame["value"].to_numpy(copy=True)
    numbers[later_facts] = numbers[rng.permutation(later_facts)]
    at = torch.from_numpy(order - row - 1)
    return replace(
        world,
        panel=replace(world.panel, values=values, member=member),
        documents=_exchanged(world.documents, world.document_moments() >= moment, rng),
        facts=Facts(frame.assign(value=numbers)),
        features=_later(world.features, row, lambda later: later[at]),
    )


FUTURES: dict[str, Future] = {
    "everything after it became unknown": unknown,
    "everything after it grew a thousandfold": thousandfold,
    "everything after it came in another order": reordered,
}
"""By what was done, in words."""


def _later(
    features: Mapping[str, torch.Tensor],
    row: int,
    change: Callable[[torch.Tensor], torch.Tensor],
) -> dict[str, torch.Tensor]:
    """Features whose rows after `row` are changed."""
    return {
        name: torch.cat([values[: row + 1], change(values[row + 1 :])])
        for name, values in features.items()
    }


def _sorted(documents: Documents, more: object) -> Documents:
    """`documents` and the rows of the frame `more`, in the promised order."""
    table = pa.Table.from_pandas(more, schema=documents.table.schema, preserve_index=False)
    joined = pa.concat_tables([documents.table, table.replace_schema_metadata(None)])
    keys = [(name, "ascending") for name in ("known_at", "id", "asset", "version")]
    return Documents(joined.sort_by(keys))


def _exchanged(
    documents: Documents, later: NDArray[np.bool_], rng: np.random.Generator
) -> Documents:
    """`documents` with the texts of the later ones dealt out anew among them."""
    rows = np.arange(len(documents))
    rows[later] = rng.permutation(rows[later])
    place = documents.table.schema.get_field_index("text")
    texts = documents.table.column("text").take(pa.array(rows))
    return Documents(documents.table.set_column(place, documents.table.schema.field(place), texts))
