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

from finstrat.text.vocabulary import distinct_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data.documents import Wording


def moving_probability(
    wording: Wording,
    sessions: NDArray[np.int64],
    moved: NDArray[np.float64],
    *,
    min_uses: int = 20,
    min_posts: int = 200,
) -> NDArray[np.float64]:
    """How likely each post's words are before a large move, `[D]` in (0, 1); NaN while unlearned.

    Args:
        wording: the raw texts of D posts.
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
    # Imported here because numba takes a moment.
    from finstrat.text.alarm_kernel import learnt_probability

    used = distinct_words(wording)
    order = np.argsort(sessions, kind="stable")
    result: NDArray[np.float64] = learnt_probability(
        used.starts,
        used.words,
        used.count,
        wording.places,
        order,
        np.searchsorted(sessions[order], np.arange(len(moved) + 1)),
        moved,
        min_uses,
        min_posts,
    )
    return result
