"""The author's test kit: markets to try a component on, and `assert_causal`.

Installed with finstrat, pytest offers its fixtures by itself (`finstrat.testing.plugin`). Nothing
heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finstrat.testing.causal import assert_causal
    from finstrat.testing.real import real_market
    from finstrat.testing.synthetic import SyntheticMarket, synthetic_market

__all__ = ["SyntheticMarket", "assert_causal", "real_market", "synthetic_market"]

_LAZY = {
    "SyntheticMarket": "finstrat.testing.synthetic",
    "assert_causal": "finstrat.testing.causal",
    "real_market": "finstrat.testing.real",
    "synthetic_market": "finstrat.testing.synthetic",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol's own signature
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'finstrat.testing' has no attribute {name!r}")
