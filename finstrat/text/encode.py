"""Text embeddings from any transformers encoder that lies in a local directory.

Weights come from safetensors only, no code of the model's own is ever run, and nothing is
downloaded. It knows nothing of sentiment, caches or cleaning: same text in, same vector out.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# Read when huggingface_hub is first imported; without it a missing file could become a download.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Tokenizer
from transformers import AutoModel
from transformers.utils import logging as transformers_logging

from finstrat.errors import DataError
from finstrat.text.adapter import adapter_files, merge_adapter
from finstrat.text.batching import BATCH_TOKENS, exact_length_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DType = Literal["auto", "fp32", "bf16"]
_TORCH_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_CODE_VERSION = "1"


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One unit vector a text.

    Attributes:
        vectors: `[D, H]` float32 on the CPU; NaN for a text without tokens.
        truncated: number of texts cut at the model's longest input.
    """

    vectors: torch.Tensor
    truncated: int


class Encoder:
    """An encoder with mean pooling and unit length, as sentence-transformers defines it.

    A vector depends on its text alone, bit for bit, on one kind of device: see
    `finstrat.text.batching`. Source: Reimers and Gurevych (2019), "Sentence-BERT", section 3.

    Attributes:
        directory: with `config.json`, `tokenizer.json` and `*.safetensors`.
        device: where the model runs.
        dtype: "fp32" or "bf16", `auto` resolved.
        max_tokens: longer texts are cut there.

    `adapter` is a directory with a LoRA, merged into the weights: see `finstrat.text.adapter`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        device: torch.device | str = "cpu",
        dtype: DType = "auto",
        adapter: Path | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.device = torch.device(device)
        self.dtype = resolve_dtype(dtype, device=self.device)
        model_files(self.directory)
        self._model = load_encoder(self.directory, adapter=adapter)
        self._model.to(device=self.device, dtype=_TORCH_DTYPES[self.dtype])
        self.max_tokens = _max_tokens(self.directory, self._model.config)
        self._tokenizer = Tokenizer.from_file(str(self.directory / "tokenizer.json"))
        self._tokenizer.no_padding()  # the file may ask for padding to a fixed length
        self._tokenizer.enable_truncation(self.max_tokens)

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> Embeddings:
        """The embeddings of `texts`, in their order; `progress` is told how many are done."""
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = [encoding.ids for encoding in encodings]
        width = int(self._model.config.hidden_size)
        vectors = torch.full((len(tokens), width), torch.nan, dtype=torch.float32)
        done = 0
        with torch.inference_mode():
            for batch in exact_length_batches([len(ids) for ids in tokens]):
                ids = torch.zeros((batch.height, batch.length), dtype=torch.int64)
                ids[: len(batch.rows)] = torch.tensor([tokens[row] for row in batch.rows])
                rows = torch.from_numpy(batch.rows)
                vectors[rows] = self._forward(ids)[: len(batch.rows)].cpu()
                done += len(batch.rows)
                if progress is not None:
                    progress(done)
        return Embeddings(vectors, truncated=sum(bool(each.overflowing) for each in encodings))

    def _forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Unit vectors of one batch, `[rows, H]`; pooled in float32 whatever the weights are."""
        ids = ids.to(self.device)
        hidden = self._model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        # Every row is full, so the mean over the attention mask is the mean over all tokens.
        return torch.nn.functional.normalize(hidden.float().mean(dim=1))


def encoder_fingerprint(
    directory: Path, *, device: torch.device | str, dtype: DType, adapter: Path | None = None
) -> str:
    """What embeddings depend on besides the text: files, dtype, kind of device, code, batching.

    Reads the files once a process and loads no model.
    """
    device = torch.device(device)
    files = [*model_files(directory), directory / "config.json", directory / "tokenizer.json"]
    files += adapter_files(adapter) if adapter else []
    digests = [_file_digest(path, path.stat().st_mtime_ns) for path in files]
    parts = [
        *digests,
        resolve_dtype(dtype, device=device),
        device.type,
        _CODE_VERSION,
        str(BATCH_TOKENS),
        str(_sentence_limit(directory)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def resolve_dtype(dtype: DType, *, device: torch.device) -> Literal["fp32", "bf16"]:
    """`auto` as bf16 where the device multiplies bf16 matrices in hardware, otherwise fp32."""
    if dtype != "auto":
        return dtype
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        # There is no public question "is bf16 quick here?"; emulated bf16 is slower than fp32.
        amx = torch.cpu._is_amx_tile_supported()  # noqa: SLF001 - see above
        avx512 = torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - see above
        return "bf16" if amx or avx512 else "fp32"
    return "fp32"


def model_files(directory: Path) -> list[Path]:
    """The safetensors files of a model's directory.

    Raises:
        DataError: something is missing, or the weights are pickles, which can run code.
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
    return weights


def load_encoder(directory: Path, *, adapter: Path | None = None) -> Any:  # noqa: ANN401
    """The transformers model in `directory` in float32, an adapter merged into its weights."""
    with _quiet_transformers():
        try:
            model, loading = AutoModel.from_pretrained(
                directory,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise DataError(
                f"{directory}: transformers can't load this encoder: {error}"
            ) from error
    # transformers fills what a file lacks with random numbers and only warns. The pooler is a
    # layer that mean pooling doesn't use.
    missing = sorted(key for key in loading["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise DataError(f"{directory}: the weights lack {', '.join(missing[:3])} ({len(missing)})")
    if adapter:
        merge_adapter(model, adapter)
    return model.eval()


def _sentence_limit(directory: Path) -> int | None:
    """The input length that sentence-transformers trained with, where its file says so."""
    path = directory / "sentence_bert_config.json"
    if not path.is_file():
        return None
    limit = json.loads(path.read_text(encoding="utf-8")).get("max_seq_length")
    return int(limit) if limit else None


def _max_tokens(directory: Path, config: Any) -> int:  # noqa: ANN401 - transformers' own
    positions = int(config.max_position_embeddings)
    return min(positions, _sentence_limit(directory) or positions)


@lru_cache(maxsize=32)
def _file_digest(path: Path, modified_ns: int) -> str:  # noqa: ARG001 - part of the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Loading without transformers' bars and notices, which would tear a progress display."""
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
