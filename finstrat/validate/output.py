"""What a signal gave, held against what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from finstrat.errors import PluginError

if TYPE_CHECKING:
    from finstrat.components import Inputs, Signal


def checked_output(signal: Signal, values: object, inputs: Inputs) -> torch.Tensor:
    """A signal's output as float64 `[T, N, K]` or `[T, K]`.

    Raises:
        PluginError: no tensor, another shape, dtype or device than declared, or an infinity.
    """
    if not isinstance(values, torch.Tensor):
        raise PluginError(f"gave a {type(values).__name__}; expected a torch.Tensor")
    sessions, assets = inputs.shape
    shape = (sessions, assets) if signal.scope == "asset" else (sessions,)
    count = len(signal.outputs)
    if count == 1 and values.shape == shape:
        values = values.unsqueeze(-1)
    if values.shape != (*shape, count):
        outputs = f"{count} output{'s' if count > 1 else ''}"
        raise PluginError(
            f'gave shape {tuple(values.shape)}; scope "{signal.scope}" with {outputs} means '
            f"{(*shape, count)}"
        )
    if values.dtype != torch.float64:
        raise PluginError(f"gave {values.dtype}; features are torch.float64: add .double()")
    if values.device.type != inputs.device.type:
        raise PluginError(
            f"gave a tensor on {values.device}; this run computes on {inputs.device}: make tensors "
            "with device=inputs.device"
        )
    if values.isinf().any():
        where = values.isinf().nonzero()[0].tolist()
        raise PluginError(
            f"gave an infinity on {inputs.panel.times[where[0]]}; use NaN for unknown"
        )
    return values
