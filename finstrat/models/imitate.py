"""Texts on which one model imitates another: the loss, and a training by it.

The student's unit vectors come near the teacher's, and what the teacher's head says of them too; no
label is needed. It knows nothing of what makes a student smaller. Source: Hinton et al. (2015),
"Distilling the Knowledge in a Neural Network".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from finstrat.models.contrastive import mean_pooled
from finstrat.models.heads import Head
from finstrat.models.masked import padded
from finstrat.models.steps import Pace, length_batches, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.compress import Settings
    from finstrat.models.steps import Batch
    from finstrat.models.trained import Trained

_FAREST = 500  # steps from one checkpoint to the next


class Imitation:
    """Texts with what the teacher makes of them.

    Attributes:
        teacher: who is imitated. texts: clean.
        tokens: of each text, cut after the most that were asked for.
    """

    def __init__(self, teacher: Trained, texts: Sequence[str], *, max_tokens: int) -> None:
        self.teacher = teacher
        self.texts = list(texts)
        tokenizer = Tokenizer.from_file(str(teacher.encoder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        encoded = tokenizer.encode_batch(self.texts)
        self.tokens = [np.array(each.ids, dtype=np.int64) for each in encoded]
        self._vectors = teacher.vectors(texts)
        self._chances = teacher.head.probabilities(self._vectors).float()

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        return [len(each) for each in self.tokens]

    def batch(self, rows: NDArray[np.int64], *, pad: int) -> Batch:
        """The texts of these rows, padded, with their targets."""
        chosen = torch.from_numpy(rows)
        return {
            **padded([self.tokens[row] for row in rows], pad=pad),
            "vectors": self._vectors[chosen],
            "chances": self._chances[chosen],
        }

    def loss(self, student: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401 - transformers' own
        """1 - cosine of the vectors, plus, under a linear head, KL(teacher's answer, student's)."""
        mask = batch["attention_mask"]
        states = student(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        return self._distance(mean_pooled(states, mask), batch["vectors"], batch["chances"])

    def distance(self, vectors: torch.Tensor) -> float:
        """The same loss of a student's unit vectors `[D, H]` of all texts."""
        return float(self._distance(vectors, self._vectors, self._chances))

    def _distance(
        self, found: torch.Tensor, vectors: torch.Tensor, chances: torch.Tensor
    ) -> torch.Tensor:
        loss = (1 - (found * vectors).sum(dim=1)).mean()
        head = self.teacher.head
        if isinstance(head, Head):
            logits = found @ head.weight.to(found).T + head.bias.to(found)
            loss = loss + functional.kl_div(
                logits.log_softmax(dim=1), chances, reduction="batchmean"
            )
        return loss


def imitate(
    imitation: Imitation,
    student: Any,  # noqa: ANN401 - transformers' own
    *,
    settings: Settings,
    plan: Mapping[str, Any],
    work: Path,
    zeros: Mapping[str, torch.Tensor],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train `student` toward its teacher, in place; weights where `zeros` are True stay zero.

    `zeros` are of the shape of the parameters of these names. `work` keeps checkpoints, and `plan`
    says what the training is: see `steps.train`.

    Raises:
        ConfigError: accelerate isn't installed, or `work` holds another training.
    """
    for module in student.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for name, each in student.named_parameters():
        each.requires_grad_(requires_grad=not name.startswith("pooler."))
    if not torch.cuda.is_available():
        # Backwards, the CPU's fused attention takes three times the plain one's.
        student.set_attn_implementation("eager")
    held = dict(student.named_parameters())
    pad = int(student.config.pad_token_id or 0)

    def keep_zeros(_: int) -> None:
        with torch.no_grad():
            for name, zero in zeros.items():
                held[name][zero.to(held[name].device)] = 0.0

    batches = length_batches(
        imitation.lengths, settings.batch, epochs=settings.epochs, seed=settings.seed
    )
    train(
        student,
        batches,
        made=lambda _, rows: imitation.batch(rows, pad=pad),
        loss=imitation.loss,
        pace=Pace(
            learning_rate=settings.learning_rate,
            schedule="linear",
            checkpoint=min(math.ceil(len(batches) / settings.epochs), _FAREST),
            precision=imitation.teacher.dtype,
        ),
        seed=settings.seed,
        work=work,
        plan=plan,
        after_step=keep_zeros,
        progress=progress,
    )
    student.cpu()
