"""Naive Bayes on words that learns as time goes on, compiled; it knows numbers of words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMOOTHING = 1.0


@compiled
def learnt_probability(
    starts: NDArray[np.int64],
    words: NDArray[np.int64],
    count: int,
    texts: NDArray[np.int64],
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    moved: NDArray[np.float64],
    min_uses: int,
    min_posts: int,
) -> NDArray[np.float64]:
    """The probability of each of D posts, as `moving_probability` defines it; NaN while unlearned.

    Post i uses `words[starts[t] : starts[t + 1]]` with t = `texts[i]`, each once, of `count` words;
    `order[bounds[s] : bounds[s + 1]]` are the posts of session s.
    """
    result = np.full(len(texts), np.nan)
    uses = np.zeros((2, count))
    posts = np.zeros(2)
    for session in range(len(moved)):
        if session > 0 and np.isfinite(moved[session]):
            label = int(moved[session])
            for place in range(bounds[session - 1], bounds[session]):
                text = texts[order[place]]
                posts[label] += 1.0
                for k in range(starts[text], starts[text + 1]):
                    uses[label, words[k]] += 1.0
        if posts[0] + posts[1] < min_posts or min(posts[0], posts[1]) == 0:
            continue
        base = np.log(posts[1] / posts[0])
        for place in range(bounds[session], bounds[session + 1]):
            text = texts[order[place]]
            total, known = 0.0, 0
            for k in range(starts[text], starts[text + 1]):
                calm, wild = uses[0, words[k]], uses[1, words[k]]
                if calm + wild >= min_uses:
                    known += 1
                    total += np.log((wild + _SMOOTHING) / (posts[1] + 2 * _SMOOTHING))
                    total -= np.log((calm + _SMOOTHING) / (posts[0] + 2 * _SMOOTHING))
            shift = total / known if known else 0.0
            result[order[place]] = 1.0 / (1.0 + np.exp(-(base + shift)))
    return result
