"""The model that a command is about: a directory of the workshop, or a scorer by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finstrat.cli.state import State
    from finstrat.components import Scorer
    from finstrat.models.labelled import Task


def card_file(directory: Path) -> dict[str, Any] | None:
    """The card that lies in a directory, as it stands there."""
    import json

    from finstrat.errors import DataError

    path = directory / "card.json"
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read as JSON: {error}") from None
    if not isinstance(told, dict):
        raise DataError(f"{path}: expected an object with what is known of a model")
    return told


def learnt_task(name: str) -> Task:
    """What the model in the directory of that name learnt: classes, unless its card says numbers.

    Raises:
        DataError: its card can't be read.
    """
    told = card_file(Path(name)) or {}
    return "regression" if told.get("task") == "regression" else "classification"


def named_scorer(state: State, name: str, *, encoder: Path | None = None) -> Scorer:
    """The scorer of that name, or one that applies the model in the directory of that name.

    A directory with `card.json` is a model of the workshop, one with `config.json` alone any
    sequence classifier of transformers.

    Raises:
        ConfigError: there is neither a scorer nor a directory of that name.
        DataError: the directory holds neither file, or a model that isn't loaded: pickled weights,
            code of its own.
    """
    from finstrat.components import Scorer
    from finstrat.errors import ConfigError, DataError, did_you_mean
    from finstrat.text.checkpoint import model_files

    host = state.host()
    directory = Path(name)
    if directory.is_dir():
        if (directory / "card.json").is_file():
            options = (
                {"head": directory}
                if encoder is None
                else {
                    "head": directory,
                    "path": encoder,
                }
            )
            made = host.get(Scorer, "encoder-head").component(options)
        elif not (directory / "config.json").is_file():
            raise DataError(
                f"{directory}: no card.json and no config.json; expected a model that `finstrat "
                "model` wrote, or a sequence classifier of transformers"
            )
        else:
            model_files(directory)
            made = host.get(Scorer, "transformers-classifier").component({"path": directory})
        assert isinstance(made, Scorer)
        return made
    known = [each.component.name for each in host.all(Scorer)]
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(f"{name}: no directory with a model, and no scorer of that name{hint}")
    made = host.get(Scorer, name).component()
    assert isinstance(made, Scorer)
    return made
