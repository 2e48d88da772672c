"""Which posts move the market, learned from what followed earlier ones.

In the manner of JPMorgan's Volfefe index (Salem, Younger and St. John, 2019), which classified
tweets as market-moving by what rates did minutes later and tracked how many of late looked like
those. Here the period is a session, the classifier a naive Bayes on words, and it learns as time
goes on: a post of session t is judged by posts of sessions before t and the moves that session t's
close has shown. It never sees the move that follows the post itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.text.clean import clean
from finstrat.text.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SMOOTHING = 1.0


def moving_probability(
    texts: Sequence[str],
    sessions: NDArray[np.int64],
    moved: NDArray[np.float64],
    *,
    min_uses: int = 20,
    min_posts: int = 200,
) -> NDArray[np.float64]:
    """How likely each post's words are before a large move, `[D]` in (0, 1); NaN while unlearned.

    Args:
        texts: D raw posts.
        sessions: the first session that may use each, int64 `[D]`; T = none, gives NaN.
        moved: `[T]`; 1 where the move from session t-1's close to session t's was large, 0 where it
            wasn't, NaN where unknown. Known at the close of t. The posts of session t-1 are taught
            by it.
        min_uses: words used in fewer labelled posts don't count.
        min_posts: labelled posts before which everything is NaN.

    The probability is that of a naive Bayes with add-one smoothing, its evidence averaged over
    the post's words rather than summed, since words of a post repeat each other's evidence. A post
    without a known word gets the base rate.
    """
    column: dict[str, int] = {}
    used = [
        np.array(
            sorted({column.setdefault(word, len(column)) for word in words(clean(text))}),
            dtype=np.int64,
        )
        for text in texts
    ]
    result = np.full(len(texts), np.nan)
    counts = np.zeros((2, max(len(column), 1)))
    posts = np.zeros(2)
    order = np.argsort(sessions, kind="stable")
    bounds = np.searchsorted(sessions[order], np.arange(len(moved) + 1))
    for session in range(len(moved)):
        if session > 0 and np.isfinite(moved[session]):
            label = int(moved[session])
            for row in order[bounds[session - 1] : bounds[session]].tolist():
                counts[label, used[row]] += 1.0
                posts[label] += 1.0
        if posts.sum() < min_posts or posts.min() == 0:
            continue
        base = float(np.log(posts[1] / posts[0]))
        known = counts.sum(axis=0) >= min_uses
        evidence = np.log((counts + _SMOOTHING) / (posts[:, None] + 2 * _SMOOTHING))
        odds = np.where(known, evidence[1] - evidence[0], 0.0)
        for row in order[bounds[session] : bounds[session + 1]].tolist():
            mine = used[row][known[used[row]]]
            shift = float(odds[mine].mean()) if len(mine) else 0.0
            result[row] = 1.0 / (1.0 + np.exp(-(base + shift)))
    return result
