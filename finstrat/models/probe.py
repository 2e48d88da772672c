"""What an encoder's vectors are worth to a head, before and after something was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finstrat.models.heads import train_head
from finstrat.models.labelled import Columns, classes_of, read_texts
from finstrat.text.encode import Encoder

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Probe:
    """Labelled texts that a linear head is cross-validated on."""

    texts: list[str]
    labels: list[str]
    classes: tuple[str, ...]

    def measured(self, encoder: Path, *, seed: int) -> dict[str, Any]:
        """Accuracy, macro-F1 and calibration out of fold, on vectors of `encoder`."""
        vectors = Encoder(encoder, dtype="fp32").encode(self.texts).vectors
        head = train_head(vectors, self.labels, classes=self.classes, seed=seed)
        found: dict[str, Any] = head.card["cross_validation"]
        return found


def read_probe(file: Path, *, text: str = "text", label_column: str = "label") -> Probe:
    """The labelled texts of a file.

    Raises:
        DataError: the file can't be used, or has fewer than two classes.
    """
    frame, _ = read_texts([file], task="classification", columns=Columns(text, label_column))
    frame = frame[frame["label"].notna()]
    return Probe(
        texts=list(frame["text"]),
        labels=list(frame["label"]),
        classes=classes_of(list(frame["label"])),
    )
