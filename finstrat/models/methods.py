"""What of an encoder learns, for each method of fine-tuning, and what of it is stored.

A `Learner` is an encoder with a head of which some weights learn; its checkpoints hold those alone.
Training it is `tune`'s; what is stored is read by `finstrat.text.adapter` or as an encoder of its
own. Sources: Hu et al. (2021), "LoRA"; Zhang et al. (2023), "AdaLoRA"; see `bottleneck` and
`prefix` in `finstrat.text` for theirs.
"""

from __future__ import annotations

import json
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch.nn import functional

from finstrat.errors import ConfigError
from finstrat.text.adapter import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    BOTTLENECK,
    LORA,
    PREFIX,
    PREFIX_TENSOR,
)
from finstrat.text.bottleneck import Bottleneck, add_bottlenecks
from finstrat.text.checkpoint import quiet_transformers
from finstrat.text.encode import load_encoder, resolve_dtype
from finstrat.text.prefix import Prefixed, prefix_width

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from finstrat.models.labelled import Task
    from finstrat.models.tuning import Tuning

TARGETS = ("query", "key", "value", "intermediate.dense", "output.dense")
"""How the names of the layers end that get low-rank updates, in BERT and its kin."""
HEAD_SCALE = 10.0
"""Unit vectors make small logits; the head learns on this multiple of them."""
BESIDE = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.txt", "merges.txt", "sentence_bert_config.json"),
)
"""What belongs to an encoder besides its weights, and goes with them."""
_START = 1.5
"""AdaLoRA's ranks at first, as a multiple of what is left in the end."""
_EPSILON = 1e-5  # peft's, in AdaLoRA's scale
_RANKS = "ranks."


class Learner(torch.nn.Module):
    """An encoder with a head, of which only some weights learn.

    Attributes:
        encoder: gives the hidden states.
        head: of unit vectors times `HEAD_SCALE`.
        tuning: the settings, resolved.
    """

    def __init__(self, directory: Path, tuning: Tuning, *, outputs: int, steps: int) -> None:
        super().__init__()
        self.directory = directory
        self.tuning = tuning
        torch.manual_seed(tuning.seed)
        model = load_encoder(directory)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = tuning.dropout
        if tuning.method != "prefix" and _device().type == "cpu":
            # On short texts torch's fused attention is slower backwards than the plain products.
            model.set_attn_implementation("eager")
        self._kind = model.config.model_type
        width = int(model.config.hidden_size)
        self.encoder = self._learning(model, steps)
        self.head = torch.nn.Linear(width, outputs)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Outputs `[rows, K]` float32 of padded rows; the mean is over each row's own tokens."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        share = mask[:, :, None].float()
        unit = functional.normalize((hidden * share).sum(dim=1) / share.sum(dim=1))
        with torch.autocast(ids.device.type, enabled=False):
            outputs: torch.Tensor = self.head(HEAD_SCALE * unit)
        return outputs

    @property
    def learning(self) -> dict[str, torch.nn.Parameter]:
        """The weights that learn, the head's too, by name."""
        return {name: each for name, each in self.named_parameters() if each.requires_grad}

    def parameters_learning(self) -> int:
        """How many numbers learn, without the head's."""
        return sum(
            each.numel() for name, each in self.learning.items() if not name.startswith("head.")
        )

    def penalty(self) -> torch.Tensor | float:
        """AdaLoRA's: how far its directions are from being at right angles. Equation 4 there."""
        if self.tuning.method != "adalora":
            return 0.0
        config = self.encoder.peft_config["default"]
        parts = []
        for name, each in self.encoder.named_parameters():
            if ".lora_A." in name or ".lora_B." in name:
                product = each @ each.T if ".lora_A." in name else each.T @ each
                parts.append(torch.norm(product - torch.eye(len(product), device=each.device)))
        together: torch.Tensor = torch.stack(parts).mean() * config.orth_reg_weight
        return together

    def after_step(self, step: int) -> None:
        """Deal out AdaLoRA's ranks; gradients are still there."""
        if self.tuning.method == "adalora":
            self.encoder.base_model.update_and_allocate(step)

    def state_dict(  # type: ignore[override]
        self,
        *_: Any,  # noqa: ANN401 - torch's
        **__: Any,  # noqa: ANN401
    ) -> dict[str, torch.Tensor]:
        """What learns, and AdaLoRA's memory of importance, of which optimizers know nothing."""
        found = {name: each.detach().contiguous() for name, each in self.learning.items()}
        if self.tuning.method == "adalora":
            ranks = self.encoder.base_model.rankallocator
            for memory in ("exp_avg_ipt", "exp_avg_unc"):
                for name, each in getattr(ranks, memory).items():
                    found[f"{_RANKS}{memory}.{name}"] = each.contiguous()
            pattern = self.encoder.peft_config["default"].rank_pattern or {}
            for name, kept in pattern.items():
                found[f"{_RANKS}pattern.{name}"] = torch.tensor(kept)
        return found

    def load_state_dict(
        self,
        state_dict: Mapping[str, Any],
        strict: bool = True,  # noqa: ARG002, FBT001, FBT002 - torch's own
        assign: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> Any:  # noqa: ANN401 - torch's own
        """Take over what `state_dict` gave."""
        own = {name: each for name, each in state_dict.items() if not name.startswith(_RANKS)}
        loaded = super().load_state_dict(own, strict=False)
        if self.tuning.method == "adalora":
            self._remember(state_dict)
        loaded.missing_keys.clear()  # what doesn't learn is there already
        return loaded

    def _remember(self, state: Mapping[str, Any]) -> None:
        ranks = self.encoder.base_model.rankallocator
        ranks.reset_ipt()
        pattern = {}
        for key, each in state.items():
            if not key.startswith(_RANKS):
                continue
            memory, _, name = key.removeprefix(_RANKS).partition(".")
            if memory == "pattern":
                pattern[name] = each.tolist()
            else:
                getattr(ranks, memory)[name] = each.clone()
                ranks.ipt.setdefault(name, torch.zeros_like(each))
        self.encoder.peft_config["default"].rank_pattern = pattern or None

    def save(self, directory: Path) -> None:
        """Write the encoder or what was added to it, without the head, into `directory`."""
        method = self.tuning.method
        if method in {"full", "frozen"}:
            with quiet_transformers():
                self.encoder.save_pretrained(directory)
            for name in BESIDE:
                if (self.directory / name).is_file():
                    shutil.copyfile(self.directory / name, directory / name)
            return
        if method == "adapter":
            tensors, config = self._bottlenecks(), {"peft_type": BOTTLENECK}
        elif method == "prefix":
            tensors, config = {PREFIX_TENSOR: self.encoder.prefix}, _peft_prefix(self.encoder)
        else:
            tensors, config = self._low_rank()
        half = {name: each.detach().half().contiguous().cpu() for name, each in tensors.items()}
        save_file(dict(sorted(half.items())), directory / ADAPTER_WEIGHTS)
        text = json.dumps(config, indent=2, sort_keys=True) + "\n"
        (directory / ADAPTER_CONFIG).write_text(text, encoding="utf-8")

    def _learning(self, model: Any, steps: int) -> Any:  # noqa: ANN401 - transformers' own
        """The encoder in which the right weights learn."""
        tuning = self.tuning
        size = tuning.size or 0
        if tuning.method == "full":
            _without_pooler(model)
            return model
        model.requires_grad_(requires_grad=False)
        if tuning.method == "frozen":
            layers = _layers(model)
            if size > len(layers):
                raise ConfigError(f"size {size}: this encoder has {len(layers)} layers")
            for layer in layers[-size:]:
                layer.requires_grad_(requires_grad=True)
            return model
        if resolve_dtype(tuning.precision, device=_device()) == "bf16":
            model = model.to(torch.bfloat16)  # only what is added is float32
        if tuning.method == "adapter":
            if not add_bottlenecks(model, size):
                raise self._unlike_bert()
            return model
        if tuning.method == "prefix":
            if self._kind not in {"bert", "roberta", "xlm-roberta", "camembert"}:
                raise self._unlike_bert()
            return Prefixed(model, 0.02 * torch.randn(size, prefix_width(model.config)))
        return self._with_peft(model, size, steps)

    def _with_peft(self, model: Any, size: int, steps: int) -> Any:  # noqa: ANN401 - as above
        try:
            from peft import AdaLoraConfig, LoraConfig, get_peft_model
        except ImportError as error:
            raise ConfigError(
                f"method {self.tuning.method} needs peft; install finstrat with its extra: pip "
                "install 'finstrat[train]'"
            ) from error
        config: Any
        if self.tuning.method == "lora":
            config = LoraConfig(r=size, lora_alpha=2 * size, target_modules=list(TARGETS))
        else:
            first = max(size + 1, round(size * _START))
            config = AdaLoraConfig(
                init_r=first,
                target_r=size,
                lora_alpha=2 * first,
                target_modules=list(TARGETS),
                tinit=steps // 5,
                tfinal=max(1, steps // 3),
                deltaT=max(1, steps // 50),
                total_step=max(3, steps),
            )
        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 by a name that is on its way out
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing")
            try:
                return get_peft_model(model, config)
            except ValueError as error:  # it found no layer of these names
                raise self._unlike_bert() from error

    def _unlike_bert(self) -> ConfigError:
        return ConfigError(
            f"method {self.tuning.method} knows the layers of BERT and RoBERTa, and "
            f"{self.directory} is a {self._kind}; use full or frozen"
        )

    def _bottlenecks(self) -> dict[str, torch.Tensor]:
        return {
            f"{name}.{key}": value
            for name, each in self.encoder.named_modules()
            if isinstance(each, Bottleneck)
            for key, value in each.state_dict().items()
            if not key.startswith("layer.")
        }

    def _low_rank(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Plain LoRA in peft's format; AdaLoRA's values go into B, and what was cut is left out."""
        config = self.encoder.peft_config["default"]
        named = dict(self.encoder.named_parameters())
        tensors = {}
        for name, down in named.items():
            if ".lora_A." not in name:
                continue
            up = named[name.replace(".lora_A.", ".lora_B.")]
            rank = len(down)
            if self.tuning.method == "adalora":
                values = named[name.replace(".lora_A.", ".lora_E.")]
                up = up * (values.T * config.lora_alpha / (rank + _EPSILON))
            plain = name.removesuffix(".default").removesuffix(".weight").removesuffix(".default")
            tensors[f"{plain}.weight"] = down
            tensors[f"{plain.replace('.lora_A', '.lora_B')}.weight"] = up
        alpha = config.lora_alpha if self.tuning.method == "lora" else rank
        return tensors, {
            "peft_type": LORA,
            "r": rank,
            "lora_alpha": alpha,
            "target_modules": sorted(TARGETS),
            "bias": "none",
        }


def outputs_of(task: Task, classes: int) -> int:
    """Outputs of a head: one number in a regression."""
    return 1 if task == "regression" else classes


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _layers(model: Any) -> Any:  # noqa: ANN401 - transformers' own
    depth = int(model.config.num_hidden_layers)
    return next(
        each
        for each in model.modules()
        if isinstance(each, torch.nn.ModuleList) and len(each) == depth
    )


def _without_pooler(model: Any) -> None:  # noqa: ANN401 - transformers' own
    """Mean pooling leaves the pooler unused: it can't learn."""
    pooler = getattr(model, "pooler", None)
    if pooler is not None:
        pooler.requires_grad_(requires_grad=False)


def _peft_prefix(encoder: Prefixed) -> dict[str, Any]:
    config = encoder.config
    return {
        "peft_type": PREFIX,
        "task_type": "FEATURE_EXTRACTION",
        "num_virtual_tokens": len(encoder.prefix),
        "num_layers": int(config.num_hidden_layers),
        "num_attention_heads": int(config.num_attention_heads),
        "token_dim": int(config.hidden_size),
        "encoder_hidden_size": int(config.hidden_size),
        "num_transformer_submodules": 1,
        "prefix_projection": False,
        "inference_mode": True,
    }
