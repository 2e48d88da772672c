"""Text embeddings from any transformers encoder that lies in a local directory.

Weights come from safetensors only, no code of the model's own is ever run, and nothing is
downloaded. It knows nothing of sentiment, caches or cleaning: same text in, same vector out.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# Read when huggingface_hub is first imported; without it a missing file could become a download.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from finstrat.text import bert
from finstrat.text.adapter import adapter_files, is_merged, with_adapter
from finstrat.text.batching import BATCH_TOKENS, Batch, Pack, exact_length_batches, packs
from finstrat.text.checkpoint import file_digest, loaded, model_files
from finstrat.text.packed import compressed_encoder, is_compressed
from finstrat.text.workers import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

DType = Literal["auto", "fp32", "bf16"]
_TORCH_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_CODE_VERSION = "2"
_SLICE = 2048
"""Texts that are tokenized together, while the model works on those before them."""
_CUDA_TOKENS = 16 * BATCH_TOKENS
"""Tokens of a batch on a GPU, which needs more of them at once to be busy."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One unit vector a text.

    Attributes:
        vectors: `[D, H]` float32 on the CPU; NaN for a text without tokens.
        long: number of texts that took more than one window.
    """

    vectors: torch.Tensor
    long: int


@dataclass(frozen=True, eq=False)
class _Windows:
    """The tokens of some texts, cut into inputs of the model.

    Attributes:
        ids: tokens of each window, with the model's own at both ends.
        first: the first window of each text, `[D + 1]`, the last entry being their number.
    """

    ids: list[list[int]]
    first: list[int]


class Encoder:
    """An encoder with mean pooling and unit length, as sentence-transformers defines it.

    A text longer than the model's input is read window by window, without overlap; its vector is
    the mean of their unit vectors, weighted by their tokens, at unit length again. A vector depends
    on its text alone, bit for bit, on one kind of device: see `finstrat.text.batching`. On the CPU
    BERT and its kin run by `finstrat.text.bert`, every other model by transformers itself.
    Source: Reimers and Gurevych (2019), "Sentence-BERT", section 3.

    Attributes:
        directory: with `config.json`, `tokenizer.json` and `*.safetensors`.
        device: where the model runs.
        dtype: "fp32" or "bf16", `auto` resolved.
        max_tokens: of one window.
        width: H, numbers of a vector.

    `adapter` is a directory with what a tuning added: see `finstrat.text.adapter`. Bottlenecks and
    prefixes run by transformers itself.
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
        model = load_encoder(self.directory, adapter=adapter)
        self.width = int(model.config.hidden_size)
        self.max_tokens = longest_window(self.directory, model)
        self._tokenizer = Tokenizer.from_file(str(self.directory / "tokenizer.json"))
        self._tokenizer.no_padding()  # the file may ask for padding to a fixed length
        self._tokenizer.enable_truncation(self.max_tokens)
        self._packed: bert.PackedBert | None = None
        self._stock: Any = None
        plain = adapter is None or is_merged(adapter)
        short = self.max_tokens <= BATCH_TOKENS
        if plain and short and bert.serves(model.config, device=self.device):
            self._packed = self._pack(model)
        else:
            self._stock = model.to(device=self.device, dtype=_TORCH_DTYPES[self.dtype])

    def read_by(self, model: Any) -> None:  # noqa: ANN401 - transformers' own
        """Take the weights of `model` from now on: this encoder in float32, changed."""
        if self._packed is not None:
            self._packed = self._pack(model)
        else:
            changed = copy.deepcopy(model)
            self._stock = changed.to(device=self.device, dtype=_TORCH_DTYPES[self.dtype])

    def _pack(self, model: Any) -> bert.PackedBert:  # noqa: ANN401
        return bert.PackedBert(model, dtype=_TORCH_DTYPES[self.dtype], height=BATCH_TOKENS)

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> Embeddings:
        """The embeddings of `texts`, in their order; `progress` is told how many are done."""
        vectors = torch.full((len(texts), self.width), torch.nan, dtype=torch.float32)
        slices = [texts[at : at + _SLICE] for at in range(0, len(texts), _SLICE)]
        done = long = 0
        with ThreadPoolExecutor(1, thread_name_prefix="finstrat-tokenizer") as tokenizer:
            ahead = [tokenizer.submit(self._windows, each) for each in slices[:1]]
            for number, part in enumerate(slices, start=1):
                windows = ahead.pop().result()
                ahead += [tokenizer.submit(self._windows, each) for each in slices[number:][:1]]
                self._pool(windows, self._run(windows.ids), vectors[done : done + len(part)])
                done += len(part)
                long += int((np.diff(windows.first) > 1).sum())
                if progress is not None:
                    progress(done)
        return Embeddings(vectors, long)

    def _windows(self, texts: Sequence[str]) -> _Windows:
        ids: list[list[int]] = []
        first = [0]
        for encoding in self._tokenizer.encode_batch(list(texts)):
            ids.append(encoding.ids)
            ids.extend(window.ids for window in encoding.overflowing)
            first.append(len(ids))
        return _Windows(ids, first)

    def _run(self, ids: list[list[int]]) -> torch.Tensor:
        """Unit vectors of windows, `[W, H]` float32 on the CPU; NaN for one without tokens."""
        lengths = [len(each) for each in ids]
        vectors = torch.full((len(ids), self.width), torch.nan, dtype=torch.float32)
        parts: Iterable[tuple[NDArray[np.int64], torch.Tensor]]
        if self._packed is not None:
            parts = side_by_side(
                lambda pack: (pack.rows, self._pack_vectors(ids, pack)),
                packs(lengths, BATCH_TOKENS),
            )
        else:
            on_cpu = self.device.type == "cpu"
            batches = exact_length_batches(lengths, BATCH_TOKENS if on_cpu else _CUDA_TOKENS)
            work = lambda batch: (batch.rows, self._batch_vectors(ids, batch))  # noqa: E731
            # On a GPU nothing waits for a result until all of them are under way.
            parts = side_by_side(work, batches) if on_cpu else [*map(work, batches)]
        for rows, unit in parts:
            vectors[torch.from_numpy(rows)] = unit.cpu()
        return vectors

    def _pack_vectors(self, ids: list[list[int]], pack: Pack) -> torch.Tensor:
        assert self._packed is not None
        used = int(pack.lengths.sum())
        tokens = torch.zeros(BATCH_TOKENS, dtype=torch.int64)
        places = torch.zeros(BATCH_TOKENS, dtype=torch.int64)
        tokens[:used] = torch.tensor([token for row in pack.rows for token in ids[row]])
        begins = torch.from_numpy(pack.starts)
        counts = torch.from_numpy(pack.lengths)
        places[:used] = torch.arange(used) - torch.repeat_interleave(begins, counts)
        with torch.inference_mode():
            hidden = self._packed(tokens, places, pack.starts, pack.lengths)
            # A bag is the mean over a text's own rows, summed one after another.
            means = torch.nn.functional.embedding_bag(
                torch.arange(used), hidden.float(), begins, mode="mean"
            )
            return torch.nn.functional.normalize(means)

    def _batch_vectors(self, ids: list[list[int]], batch: Batch) -> torch.Tensor:
        tokens = torch.zeros((batch.height, batch.length), dtype=torch.int64)
        tokens[: len(batch.rows)] = torch.tensor([ids[row] for row in batch.rows])
        if self.device.type == "cuda":
            tokens = tokens.pin_memory()
        with torch.inference_mode():
            tokens = tokens.to(self.device, non_blocking=True)
            hidden = self._stock(
                input_ids=tokens, attention_mask=torch.ones_like(tokens)
            ).last_hidden_state
            # Every row is full, so the mean over the attention mask is the mean over all tokens.
            means = hidden.float().mean(dim=1)[: len(batch.rows)]
            return torch.nn.functional.normalize(means)

    def _pool(self, windows: _Windows, unit: torch.Tensor, out: torch.Tensor) -> None:
        """Fill `out [D, H]` with one vector a text from those of its windows."""
        first = torch.tensor(windows.first)
        out[:] = unit[first[:-1]]
        for text in torch.nonzero(first.diff() > 1)[:, 0].tolist():
            start, stop = windows.first[text : text + 2]
            tokens = torch.tensor([len(each) for each in windows.ids[start:stop]])
            # One row after the other: a matrix product would choose its own order.
            mean = (unit[start:stop].double() * tokens[:, None]).sum(dim=0)
            out[text] = torch.nn.functional.normalize(mean, dim=0).float()


def encoder_fingerprint(
    directory: Path, *, device: torch.device | str, dtype: DType, adapter: Path | None = None
) -> str:
    """What embeddings depend on besides the text: files, dtype, kind of device, code, batching.

    Reads the files once a process and loads no model.
    """
    device = torch.device(device)
    files = [*model_files(directory), directory / "config.json", directory / "tokenizer.json"]
    files += adapter_files(adapter) if adapter else []
    digests = [file_digest(path) for path in files]
    parts = [
        *digests,
        resolve_dtype(dtype, device=device),
        device.type,
        _CODE_VERSION,
        str(BATCH_TOKENS if device.type == "cpu" else _CUDA_TOKENS),
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


def load_encoder(directory: Path, *, adapter: Path | None = None) -> Any:  # noqa: ANN401
    """The transformers model in `directory` in float32, with an adapter if there is one."""
    if is_compressed(directory):
        model = compressed_encoder(directory)
        return (with_adapter(model, adapter) if adapter else model).eval()
    found = loaded(AutoModel, directory, dtype="fp32")
    # The pooler is a layer that mean pooling doesn't use.
    found.require([key for key in found.unfilled if not key.startswith("pooler.")])
    return (with_adapter(found.model, adapter) if adapter else found.model).eval()


def _sentence_limit(directory: Path) -> int | None:
    """The input length that sentence-transformers trained with, where its file says so."""
    path = directory / "sentence_bert_config.json"
    if not path.is_file():
        return None
    limit = json.loads(path.read_text(encoding="utf-8")).get("max_seq_length")
    return int(limit) if limit else None


def longest_window(directory: Path, model: Any) -> int:  # noqa: ANN401 - transformers' own
    """Tokens of the longest input that the encoder in `directory` reads at once."""
    positions = int(model.config.max_position_embeddings) - bert.first_place(model)
    return min(positions, _sentence_limit(directory) or positions)
