"""A few-shot prompt: an instruction, solved examples, and the place where a text goes.

The same file serves a model that runs here (one string, read up to the answer) and one behind a
server (a list of messages). It knows nothing of models.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from finstrat.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Frozen):
    """A text with its right answer."""

    text: Annotated[str, Field(min_length=1)]
    label: str


class Calibration(_Frozen):
    """What was fitted for this prompt and one model: probability = softmax((log p - bias) / T).

    Attributes:
        model: SHA-256 of the checkpoint it holds for.
        bias: how much likelier the model makes each label than the data do, `[K]` log units.
        temperature: above 1 where the model is surer than it is right.
        data: the labelled texts it was fitted on, with their licence.
        cutoff: the latest date these texts can reach to.
    """

    model: str
    bias: tuple[float, ...]
    temperature: Annotated[float, Field(gt=0)]
    data: str
    cutoff: dt.date


class Prompt(_Frozen):
    r"""What a language model reads around a text.

    Attributes:
        instruction: what to do.
        before, after: around every text; the answer follows `after` and one space.
        labels: the possible answers, in the order of the outputs.
        examples: solved examples, in the order they are read.
        source: who wrote the examples, and under which licence.
        written: the latest date that anything in the examples can know of.
        calibration: what was fitted on labelled texts, at most once a model.
    """

    instruction: str
    before: str
    after: str
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]
    source: str
    written: dt.date
    calibration: tuple[Calibration, ...] = ()

    @model_validator(mode="after")
    def _parts_fit_the_labels(self) -> Prompt:
        strange = sorted({each.label for each in self.examples} - set(self.labels))
        if strange:
            raise ValueError(f'an example is labelled "{strange[0]}", which is not in `labels`')
        if any(len(each.bias) != len(self.labels) for each in self.calibration):
            raise ValueError(f"calibration: expected {len(self.labels)} biases, one a label")
        return self

    @property
    def prefix(self) -> str:
        """Everything before the text itself: the same for every text."""
        solved = "".join(
            f"{self.before}{each.text}{self.after} {each.label}\n\n" for each in self.examples
        )
        return f"{self.instruction}\n\n{solved}{self.before}"

    @property
    def digest(self) -> str:
        """The SHA-256 of what a model reads; calibration and provenance left out."""
        told = self.model_dump(include={"instruction", "before", "after", "labels", "examples"})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def calibration_of(self, model: str) -> Calibration | None:
        """The calibration for the checkpoint with this digest."""
        return next((each for each in self.calibration if each.model == model), None)


def read_prompt(path: Path) -> Prompt:
    """The prompt in a TOML file.

    Raises:
        DataError: the file is missing or malformed; the message names the key.
    """
    try:
        return Prompt.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a prompt in TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {key or 'prompt'}: {first['msg']}") from error
