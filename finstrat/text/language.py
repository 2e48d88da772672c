"""The language of a text, by the CLD2 library; asked for only where it is shown.

It looks at the words alone. A text too short or too mixed to tell has no language here, which is
better than a wrong one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_UNKNOWN = "un"


def language(text: str) -> str | None:
    """The ISO 639-1 code of a cleaned text, like "en", or "zh-Hant"; None = unknown.

    Unknown too where CLD2 isn't installed: see `language_tagger`. Takes about 10 µs a headline.
    """
    detect = _detector()
    if detect is None or not text:
        return None
    import pycld2

    try:
        _sure, _bytes, found = detect(text)
    except pycld2.error:  # characters that CLD2 doesn't take for text, like U+FFFE
        return None
    code: str = found[0][1]
    return None if code == _UNKNOWN else code


def language_tagger() -> str | None:
    """The library and its version, like "pycld2 0.42"; None where it isn't installed."""
    if importlib.util.find_spec("pycld2") is None:
        return None
    return f"pycld2 {importlib.metadata.version('pycld2')}"


@lru_cache(maxsize=1)
def _detector() -> (
    Callable[[str], tuple[bool, int, tuple[tuple[str, str, int, float], ...]]] | None
):
    """The library's function, answering (sure, bytes read, ((name, code, percent, score), ...))."""
    if language_tagger() is None:
        return None
    import pycld2

    detect: Callable[[str], Any] = pycld2.detect
    return detect
