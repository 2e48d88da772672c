"""Which texts a model was trained on, kept beside it as short hashes, so that none judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.errors import DataError
from finstrat.text.clean import text_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SEEN = "trained-on.txt"
_LETTERS = 16
"""Of each hash: of a million texts two agree by chance once in a hundred million models."""


def save_seen(directory: Path, texts: Iterable[str], *, before: Path | None = None) -> None:
    """Write the hashes of the clean `texts` into `directory`, in an order that says nothing.

    `before` is the directory of a model that this one goes on from: what it saw counts as seen.
    """
    known = set() if before is None else _seen_by(before)
    lines = sorted(known | {_short(text) for text in texts})
    (directory / SEEN).write_text("\n".join([*lines, ""]), encoding="ascii")


def require_unseen(directory: Path, texts: Sequence[str]) -> None:
    """Refuse clean `texts` that the model in `directory` was trained on, as far as it says.

    Raises:
        DataError: how many there are, and the first.
    """
    known = _seen_by(directory)
    common = [text for text in texts if _short(text) in known]
    if common:
        raise DataError(
            f"{directory}: {len(common)} of {len(texts)} texts are among those it was trained on, "
            f"like {common[0][:80]!r}; judge it by others: `finstrat model prepare` makes parts "
            "without a common text"
        )


def _seen_by(directory: Path) -> set[str]:
    """The hashes that lie in `directory`; none where it doesn't say."""
    path = directory / SEEN
    return set(path.read_text(encoding="ascii").split()) if path.is_file() else set()


def _short(text: str) -> str:
    return text_key(text).hex()[:_LETTERS]
