"""Where a pretrained model's files lie, what they hash to, and how they are loaded.

Weights come from safetensors or GGUF, never from pickles; no code of the model's own is run; and
nothing is downloaded unless the environment says HF_HUB_OFFLINE=0. It knows nothing of what a
model is for.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import re
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from finstrat.components import Component
from finstrat.errors import ConfigError, DataError

# Read when huggingface_hub is first imported; without it a missing file could become a download.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMIT = re.compile(r"[0-9a-f]{40}")
_READ_BY_LOADING = ("*.safetensors", "*.json", "*.txt", "*.model")
_CARD = "card.json"  # of which loading knows nothing


class Pretrained(Component.Config):
    """Options that say which pretrained model is meant: a local one, or one of the hub.

    Attributes:
        path: a directory with `config.json`, a tokenizer and safetensors, or a GGUF file.
        hub: an id of the Hugging Face hub, instead of a path.
        revision: the commit that `hub` is pinned to, 40 hexadecimal digits.
    """

    path: Path | None = Field(None, description="directory of the model, or its GGUF file")
    hub: str | None = Field(None, description="id of a Hugging Face model, instead of `path`")
    revision: str | None = Field(None, description="commit of the hub's model, 40 digits")

    def checkpoint(self, default: Path | None = None) -> Path:
        """The directory or GGUF file that is meant; `default` where no option is given.

        A hub model is looked up in the local Hugging Face cache; it is fetched only where the
        environment says HF_HUB_OFFLINE=0.

        Raises:
            ConfigError: not exactly one of `path` and `hub`, or a hub model that isn't pinned.
            DataError: there are no such files here.
        """
        if self.hub is None:
            if self.revision is not None:
                raise ConfigError("`revision` belongs to `hub`; a local path has none")
            path = self.path or default
            if path is None:
                raise ConfigError("which model? give `path`, or `hub` with `revision`")
            if not path.exists():
                raise DataError(f"{path}: no such directory or GGUF file; expected a model there")
            if path.is_file() and importlib.util.find_spec("gguf") is None:
                raise DataError(f'{path}: reading GGUF needs pip install "finstrat[llm]"')
            return path
        if self.path is not None:
            raise ConfigError(f"both `path` ({self.path}) and `hub` ({self.hub}): give one of them")
        if self.revision is None or not _COMMIT.fullmatch(self.revision):
            raise ConfigError(
                f"hub model {self.hub} needs `revision`: the 40 hexadecimal digits of a commit, "
                f"got {self.revision!r}; a branch or tag can move, and the scores with it"
            )
        return _hub_snapshot(self.hub, self.revision)


def _hub_snapshot(name: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(name, revision=revision, allow_patterns=list(_READ_BY_LOADING))
    except HFValidationError as error:
        raise ConfigError(f"hub model {name!r}: {error}") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise DataError(
            f"{name} at {revision}: not in the local Hugging Face cache, and finstrat works "
            "offline; set HF_HUB_OFFLINE=0 in the environment once to fetch it, or name a directory"
        ) from error
    return Path(found)


def checkpoint_digest(path: Path) -> str:
    """The SHA-256 over every file of a checkpoint that loading may read; loads nothing."""
    if path.is_file():
        return file_digest(path)
    model_files(path)
    files = sorted(
        file for pattern in _READ_BY_LOADING for file in path.glob(pattern) if file.name != _CARD
    )
    parts = [f"{file.name} {file_digest(file)}" for file in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def model_files(directory: Path) -> list[Path]:
    """The safetensors files of a model's directory.

    Raises:
        DataError: something is missing, the weights are pickles, or code of its own is needed.
    """
    if not directory.is_dir():
        raise DataError(f"{directory}: no such directory; expected an encoder's files there")
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        pickles = [
            path for end in ("bin", "pt", "pth", "pkl") for path in directory.glob(f"*.{end}")
        ]
        found = ", ".join(sorted(path.name for path in pickles)) or "no weights"
        raise DataError(
            f"{directory}: expected weights in *.safetensors, found {found}; "
            "pickled weights are never loaded, since reading one can run any code: "
            "convert them with `save_pretrained` of transformers"
        )
    for name in ("config.json", "tokenizer.json"):
        if not (directory / name).is_file():
            raise DataError(
                f"{directory}: no {name}; save the model and its fast tokenizer there with "
                "`save_pretrained` of transformers"
            )
    _refuse_own_code(directory / "config.json")
    return weights


def _refuse_own_code(config: Path) -> None:
    """See that a model is one of transformers' own, since the code of another would be run."""
    try:
        told = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{config}: expected a model's configuration: {error}") from None
    named = told.get("auto_map") if isinstance(told, dict) else None
    if named:
        raise DataError(
            f"{config}: auto_map asks for code of the model's own ({_first(named)}), which is "
            "never run; choose a model whose architecture is part of transformers, or save it anew "
            "with the class of transformers"
        )


def _refuse_compressed(directory: Path) -> None:
    """See that transformers can load the weights that lie here."""
    from finstrat.text.packed import is_compressed

    if is_compressed(directory):
        raise DataError(
            f"{directory}: a compressed encoder, which can't be loaded for this; take the model "
            "that it was made from, and compress the result"
        )


def _first(named: object) -> str:
    if isinstance(named, dict):
        key, value = next(iter(named.items()))
        return f"{key}: {value}"
    return str(named)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model as transformers read it.

    Attributes:
        model: in evaluation mode.
        path: where its files lie.
        unfilled: names of weights that the files lack, which transformers drew at random.
    """

    model: Any
    path: Path
    unfilled: tuple[str, ...]

    def require(self, names: Sequence[str]) -> None:
        """Refuse a model that lacks any of these weights.

        Raises:
            DataError: it does.
        """
        if names:
            raise DataError(
                f"{self.path}: the weights lack {', '.join(names[:3])} ({len(names)}), which "
                f"{type(self.model).__name__} needs; is it a model of another kind?"
            )


def load_model(auto: Any, path: Path, *, dtype: Literal["fp32", "bf16"]) -> Any:  # noqa: ANN401
    """The model at `path`, read by one of transformers' Auto classes, in evaluation mode.

    Raises:
        DataError: pickled or missing weights, an architecture that isn't part of transformers, or
            weights that don't fill the model (transformers would fill the rest at random).
    """
    found = loaded(auto, path, dtype=dtype)
    found.require(found.unfilled)
    return found.model


def loaded(auto: Any, path: Path, *, dtype: Literal["fp32", "bf16"]) -> Loaded:  # noqa: ANN401
    """The same with whatever the files fill of it; the caller says what it can do without.

    Raises:
        DataError: pickled or missing weights, or an architecture that isn't part of transformers.
    """
    import torch

    options: dict[str, Any] = {"dtype": torch.bfloat16 if dtype == "bf16" else torch.float32}
    directory = path
    if path.is_file():
        from transformers import GgufConfig

        # Packed weights would be multiplied in float32; dense bf16 is several times as fast.
        options["gguf_file"] = path.name
        options["quantization_config"] = GgufConfig(gguf_file=path.name, dequantize=True)
        directory = path.parent
    else:
        model_files(path)
        _refuse_compressed(path)
        options["use_safetensors"] = True
    with quiet_transformers():
        try:
            model, loading = auto.from_pretrained(
                directory,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
        except Exception as error:  # a damaged file makes a library raise anything
            raise DataError(f"{path}: transformers can't load this model: {error}") from error
    unfilled = {*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])}
    return Loaded(model.eval(), path, tuple(sorted(unfilled)))


def load_tokenizer(path: Path) -> Any:  # noqa: ANN401 - transformers' own
    """The tokenizer that goes with the model at `path`.

    Raises:
        DataError: there is none, or it would need code of the model's own.
    """
    from transformers import AutoTokenizer

    gguf = {"gguf_file": path.name} if path.is_file() else {}
    with quiet_transformers():
        try:
            return AutoTokenizer.from_pretrained(
                path.parent if gguf else path,
                local_files_only=True,
                trust_remote_code=False,
                **gguf,
            )
        except Exception as error:  # as above
            raise DataError(f"{path}: transformers can't load its tokenizer: {error}") from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Loading without transformers' bars and notices, which would tear a progress display."""
    # Reading GGUF draws a bar of its own, whatever transformers was told.
    with without_notices(), redirect_stderr(io.StringIO()):
        yield


@contextmanager
def without_notices() -> Iterator[None]:
    """The same for work during which something else may be drawn on stderr."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def file_digest(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal; read once a process as long as it isn't touched."""
    return _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, modified_ns: int) -> str:  # noqa: ARG001 - part of the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
