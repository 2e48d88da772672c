"""Which rows are judged together: fixed folds that no borrower and no repeated row may straddle."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.credit.borrowers import Borrowers


def kinship(borrowers: Borrowers) -> NDArray[np.int64]:
    """A number for each row `[D]`, the same for rows of one borrower and for exact duplicates.

    It is transitive: a borrower whose row repeats another's is of the same kin.
    """
    names = pd.factorize(borrowers.entity)[0]
    content = pd.util.hash_pandas_object(borrowers.features, index=False).to_numpy()
    copies = pd.factorize(content)[0]
    count = len(names)
    links = coo_array(
        (np.ones(2 * count), (np.tile(np.arange(count), 2), np.r_[names, names.max() + 1 + copies]))
    )
    graph = coo_array((links.data, (links.row, links.col + count)), shape=(3 * count, 3 * count))
    parts: NDArray[np.int64] = connected_components(graph, directed=False)[1]
    return parts[:count].astype(np.int64)


def grouped_folds(
    defaulted: NDArray[np.bool_], kin: NDArray[np.int64], *, count: int, seed: int
) -> NDArray[np.int64]:
    """The fold of every row `[D]`, 0 to `count` − 1: kin together, defaults spread evenly.

    Raises:
        DataError: a fold would have no default, or nothing else.
    """
    found = np.empty(len(defaulted), dtype=np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # too few of a class: refused below
            for fold, (_, held) in enumerate(splitter.split(kin, defaulted, kin)):
                found[held] = fold
    except ValueError as error:
        raise DataError(f"{count} folds can't be made: {error}") from None
    for fold in range(count):
        here = defaulted[found == fold]
        if not here.any() or here.all():
            lacking = "default" if not here.any() else "borrower that paid"
            raise DataError(
                f"{int(defaulted.sum())} defaults among {len(defaulted)} rows are too few for "
                f"{count} folds: one would hold no {lacking}"
            )
    return found
