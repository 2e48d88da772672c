"""What the verbs of `finstrat model` are given: labelled texts, and what a card can't measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CLASSES = ("negative", "neutral", "positive")


def about_model(file: Path) -> dict[str, Any]:
    """What a card says that can't be measured, read from a TOML file."""
    from finstrat.errors import ConfigError
    from finstrat.toml_file import TomlFile

    told = TomlFile.read(file, shown_as=str(file)).data
    wanted = {
        *("summary", "training_data", "licence"),
        *("training_cutoff", "cutoff_reason", "limits"),
    }
    if set(told) != wanted:
        wrong = ", ".join(sorted(set(told) ^ wanted))
        raise ConfigError(f"{file}: expected exactly {', '.join(sorted(wanted))}; check {wrong}")
    return {**told, "training_cutoff": str(told["training_cutoff"])}


@dataclass
class Labelled:
    """Cleaned texts, each once, with their labels and weights."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def numbers(self) -> NDArray[np.int64]:
        """The labels as places in CLASSES."""
        import numpy as np

        return np.array([CLASSES.index(label) for label in self.labels], dtype=np.int64)


def labelled(files: list[Path]) -> Labelled:
    """The rows of all files; where one text stands twice, the first stands."""
    from finstrat.data.frames import read_table, require_columns
    from finstrat.errors import DataError
    from finstrat.text import clean

    found = Labelled()
    seen = {""}
    for file in files:
        frame = read_table(file)
        require_columns(frame, ("text", "label"), where=str(file))
        weights = frame["weight"] if "weight" in frame.columns else [1.0] * len(frame)
        for row, (raw, label, weight) in enumerate(
            zip(frame["text"], frame["label"], weights, strict=True), start=1
        ):
            text = clean(str(raw))
            if label not in CLASSES:
                raise DataError(
                    f"{file}: row {row}: label {label!r}; expected one of: {', '.join(CLASSES)}"
                )
            if text not in seen:
                seen.add(text)
                found.texts.append(text)
                found.labels.append(str(label))
                found.weights.append(float(weight))
    return found
