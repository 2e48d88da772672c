"""A finished model as one ONNX file, to be served where there is no torch.

The file takes tokens and their mask, `[texts, tokens]` int64, and gives probabilities, `[texts, K]`
float32: the encoder, the mean over a text's own tokens, unit length, and the head. `tokenizer.json`
beside it cuts and pads as the model does. It doesn't window: of a text longer than the model's
input, only the beginning is read. A file of int8 is made of the exact one, by onnxruntime.
Formats: https://onnx.ai/onnx/intro and
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer

from finstrat.errors import ConfigError, DataError
from finstrat.models.contrastive import mean_pooled
from finstrat.models.heads import Head
from finstrat.text.encode import load_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained

ONNX, _ROUNDED, _TOKENIZER = "model.onnx", "rounded.onnx", "tokenizer.json"
INPUTS, OUTPUT = ("input_ids", "attention_mask"), "probabilities"
_LARGEST = 2_000_000_000
"""Bytes that one file of protobuf can hold."""
_BATCH = 32
_MISSING = "ONNX needs packages of an extra; install finstrat with it: pip install 'finstrat[onnx]'"


class _Served(torch.nn.Module):
    """From tokens to probabilities."""

    def __init__(self, encoder: Any, head: Head) -> None:  # noqa: ANN401 - transformers' own
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(head.width, len(head.classes))
        with torch.no_grad():
            self.head.weight.copy_(head.weight)
            self.head.bias.copy_(head.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return torch.softmax(self.head(mean_pooled(states, attention_mask)), dim=1)


def export(model: Trained, directory: Path) -> None:
    """Write `model.onnx` and the tokenizer for it into `directory`.

    Raises:
        ConfigError: packages are missing, or the head or the size isn't one that a file holds.
        DataError: torch can't export this encoder.
    """
    try:
        import onnxscript  # noqa: F401 - torch's exporter writes by it
    except ImportError as error:
        raise ConfigError(_MISSING) from error
    if not isinstance(model.head, Head):
        raise ConfigError(
            f"{model.directory}: a head of machines or trees isn't exported; train a logistic one"
        )
    encoder = load_encoder(model.encoder, adapter=model.adapter)
    size = sum(4 * each.numel() for each in encoder.parameters())
    if size > _LARGEST:
        raise ConfigError(
            f"{model.encoder}: {size / 1e9:.1f} GB of weights; one file of ONNX holds 2"
        )
    encoder.set_attn_implementation("eager")
    pad = int(encoder.config.pad_token_id or 0)
    limit = model.max_tokens
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens", max=limit)}
    example = torch.full((2, 7), pad + 5, dtype=torch.int64)
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    try:
        noisy.setLevel(logging.ERROR)  # it tells what torchvision would have brought
        with warnings.catch_warnings():
            # torch 2.13 asks itself in ways that are on their way out, and both inputs share axes.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", UserWarning)
            program = torch.onnx.export(
                _Served(encoder, model.head).eval(),
                (example, torch.ones_like(example)),
                input_names=INPUTS,
                output_names=(OUTPUT,),
                dynamic_shapes=dict.fromkeys(INPUTS, axes),
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise DataError(f"{model.encoder}: torch can't export this encoder: {error}") from error
    finally:
        noisy.setLevel(level)
    assert program is not None
    directory.mkdir(parents=True, exist_ok=True)
    program.save(directory / ONNX, external_data=False)
    tokenizer = Tokenizer.from_file(str(model.encoder / _TOKENIZER))
    tokenizer.enable_truncation(limit)
    tokenizer.enable_padding(pad_id=pad, pad_token=tokenizer.id_to_token(pad) or "[PAD]")
    tokenizer.save(str(directory / _TOKENIZER))


def round_to_int8(directory: Path) -> None:
    """Make `model.onnx` in `directory` one of int8 products: dynamic quantization.

    Matrices are rounded once, with a scale a column, embeddings with one scale; what they are
    multiplied by is rounded at each call.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root, silence = logging.getLogger(), logging.NullHandler()
    root.addHandler(silence)  # onnxruntime tells the root of steps that it would have liked
    try:
        quantize_dynamic(
            directory / ONNX, directory / _ROUNDED, weight_type=QuantType.QInt8, per_channel=True
        )
    finally:
        root.removeHandler(silence)
    (directory / _ROUNDED).replace(directory / ONNX)


@dataclass(frozen=True, eq=False)
class Exported:
    """What lies in a directory of `export`, run by onnxruntime on one core.

    Attributes:
        session: onnxruntime's own. tokenizer: which cuts and pads.
    """

    session: Any
    tokenizer: Tokenizer

    @classmethod
    def load(cls, directory: Path) -> Exported:
        """Read the two files.

        Raises:
            ConfigError: onnxruntime isn't there.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError(_MISSING) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # others would wait in a loop, and count as work
        session = onnxruntime.InferenceSession(
            str(directory / ONNX), options, providers=["CPUExecutionProvider"]
        )
        return cls(session, Tokenizer.from_file(str(directory / _TOKENIZER)))

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """`[D, K]` of clean texts, in batches of similar length, padded."""
        order = np.argsort([len(each) for each in texts], kind="stable")
        found: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            encoded = self.tokenizer.encode_batch([texts[row] for row in rows])
            given = {
                INPUTS[0]: np.array([each.ids for each in encoded], dtype=np.int64),
                INPUTS[1]: np.array([each.attention_mask for each in encoded], dtype=np.int64),
            }
            found.append((rows, self.session.run([OUTPUT], given)[0]))
        chances = np.empty((len(texts), found[0][1].shape[1]))
        for rows, part in found:
            chances[rows] = part
        return chances

    def cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Of which texts only the beginning is read, `[D]`."""
        return np.array([bool(each.overflowing) for each in self.tokenizer.encode_batch(texts)])


def require_equal(
    model: Trained, exported: Exported, texts: Sequence[str], *, tolerance: float
) -> float:
    """The largest difference of a probability from `model`'s, which must be in fp32.

    Over the `texts` that fit the model's input.

    Raises:
        DataError: it is above `tolerance`, or no text fits.
    """
    fitting = _fitting(exported, texts)
    gaps = np.abs(exported.probabilities(fitting) - model.probabilities(fitting).numpy())
    worst = int(gaps.max(axis=1).argmax())
    gap = float(gaps[worst].max())
    if not gap <= tolerance:
        raise DataError(
            f"the exported file moves a probability by {gap:.2g}, more than --tolerance "
            f"{tolerance:g}, of the text {fitting[worst][:60]!r}; nothing was written"
        )
    return gap


def require_same_answers(
    model: Trained, rounded: Exported, texts: Sequence[str], *, changed: float
) -> float:
    """The share of answers of `rounded` that aren't `model`'s, over the `texts` that fit its input.

    Raises:
        DataError: it is above `changed`, or no text fits.
    """
    fitting = _fitting(rounded, texts)
    said, exact = rounded.probabilities(fitting), model.probabilities(fitting).numpy()
    other = said.argmax(axis=1) != exact.argmax(axis=1)
    if not other.mean() <= changed:
        raise DataError(
            f"rounding to int8 changes {other.sum()} of {len(fitting)} answers, more than the "
            f"share --changed {changed:g}, like that to {fitting[int(other.argmax())][:60]!r}; "
            "nothing was written: leave --int8 out"
        )
    return float(other.mean())


def _fitting(exported: Exported, texts: Sequence[str]) -> list[str]:
    fitting = [text for text, cut in zip(texts, exported.cut(texts), strict=True) if not cut]
    if not fitting:
        raise DataError("no text fits the model's input; give shorter ones to check the export by")
    return fitting
