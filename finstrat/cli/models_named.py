"""The model that a command is about: a directory of the workshop, or a scorer by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finstrat.cli.state import State
    from finstrat.components import Scorer


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
