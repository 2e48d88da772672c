"""The bundled few-shot prompt, which `causal-lm` and `openai-server` share."""

from __future__ import annotations

from pathlib import Path

SIX_SHOT = Path(__file__).parent / "six_shot.toml"
"""Six solved examples, two a label, and what was fitted for SmolLM2."""
