"""The most similar earlier text by shared words, compiled: one asset's texts after another.

It knows numbers of words alone. Texts are found through the earlier ones that use the same words,
so that the work is in what they share and not in what they don't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def _clear(
    starts: NDArray[np.int64],
    words: NDArray[np.int64],
    texts: NDArray[np.int64],
    latest: NDArray[np.int64],
) -> None:
    """Set `latest` to -1 for every word of these texts."""
    for i in range(len(texts)):
        for k in range(starts[texts[i]], starts[texts[i] + 1]):
            latest[words[k]] = -1


@compiled
def most_alike(
    starts: NDArray[np.int64],
    words: NDArray[np.int64],
    texts: NDArray[np.int64],
    first: NDArray[np.int64],
    latest: NDArray[np.int64],
    similarity: NDArray[np.float64],
    nearest: NDArray[np.int64],
) -> None:
    """The Jaccard similarity of each text to the most similar earlier one, and which that is.

    Text i, of D in the order of time, uses `words[starts[t] : starts[t + 1]]` with t = `texts[i]`,
    each once. Of the texts j with `first[i]` ≤ j < i the most similar counts, the oldest of equals;
    `nearest` `[D]` is -1, and `similarity` 0, where none shares a word. `latest` `[V]` holds -1
    throughout, and does so again afterwards.
    """
    count = len(texts)
    total, common, uses = 0, -1, 0
    # `latest` serves to count first: most of the work would be for the word that most texts use,
    # such as the asset's own name, and hardly ever decides.
    for i in range(count):
        start, stop = starts[texts[i]], starts[texts[i] + 1]
        total += stop - start
        for k in range(start, stop):
            latest[words[k]] -= 1
            if -1 - latest[words[k]] > uses:
                uses, common = -1 - latest[words[k]], words[k]
    _clear(starts, words, texts, latest)
    # Uses of words, in order; each knows its text and the use of the same word before it.
    owner = np.empty(total, dtype=np.int64)
    before = np.empty(total, dtype=np.int64)
    shared = np.zeros(count, dtype=np.int64)
    met = np.empty(count, dtype=np.int64)
    uses_common = np.zeros(count, dtype=np.int64)
    use = 0
    for i in range(count):
        start, stop = starts[texts[i]], starts[texts[i] + 1]
        size = stop - start
        found = 0
        for k in range(start, stop):
            earlier = latest[words[k]]
            owner[use] = i
            before[use] = earlier
            latest[words[k]] = use
            use += 1
            if words[k] == common:
                uses_common[i] = 1
                continue
            while earlier >= 0 and owner[earlier] >= first[i]:
                j = owner[earlier]
                if shared[j] == 0:
                    met[found] = j
                    found += 1
                shared[j] += 1
                earlier = before[earlier]
        best, place = 0.0, -1
        for m in range(found):
            j = met[m]
            both = shared[j] + uses_common[i] * uses_common[j]
            alike = both / (size + starts[texts[j] + 1] - starts[texts[j]] - both)
            if alike > best or (alike == best and j < place):
                best, place = alike, j
        if uses_common[i] == 1 and best <= 1.0 / size:
            # A text that shares the common word alone may be as much alike.
            earlier = before[latest[common]]
            while earlier >= 0 and owner[earlier] >= first[i]:
                j = owner[earlier]
                both = shared[j] + 1
                alike = both / (size + starts[texts[j] + 1] - starts[texts[j]] - both)
                if alike > best or (alike == best and j < place):
                    best, place = alike, j
                earlier = before[earlier]
        for m in range(found):
            shared[met[m]] = 0
        similarity[i] = best
        nearest[i] = place
    _clear(starts, words, texts, latest)
