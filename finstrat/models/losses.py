"""What a fine-tuning makes small: each text's loss, and how much each text counts.

It knows neither encoders nor steps, only outputs and what they should have been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch.nn import functional

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from finstrat.models.labelled import Task


def text_losses(
    outputs: torch.Tensor, targets: torch.Tensor, *, task: Task, label_smoothing: float
) -> torch.Tensor:
    """The loss of each text, `[D]`, of `outputs` `[D, K]`: cross entropy, or the squared error.

    With e = `label_smoothing` the entropy is crossed with (1 - e) on the class and e / K on all K
    (Szegedy et al., 2016, "Rethinking the Inception architecture", section 7).
    """
    if task == "regression":
        return (outputs[:, 0] - targets.float()) ** 2
    return functional.cross_entropy(
        outputs, targets, label_smoothing=label_smoothing, reduction="none"
    )


def importance(
    weights: NDArray[np.float64],
    targets: NDArray[Any],
    *,
    task: Task,
    class_weights: Literal["none", "balanced"],
) -> NDArray[np.float64]:
    """How much each text's loss counts, `[D]`, 1 in the mean.

    In proportion to `weights`; `balanced` classes have the same sum each, whatever their texts.
    """
    if class_weights == "balanced" and task == "classification":
        weights = weights / np.bincount(targets, weights=weights)[targets]
    scaled: NDArray[np.float64] = weights / weights.mean()
    return scaled
