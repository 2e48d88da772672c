"""Scorers by name out of whatever is installed, for markets that tests use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.components import Scorer
from finstrat.validate.causality import Scoring

if TYPE_CHECKING:
    from finstrat.host import Host


def installed_scorer(host: Host, name: str) -> Scorer:
    """An installed scorer with its default options."""
    made = host.get(Scorer, name).component()
    assert isinstance(made, Scorer)
    return made


def installed_scoring(host: Host | None = None) -> Scoring:
    """Scores by any installed scorer with its default options; plugins load on the first use."""
    known = host

    def scorer(name: str) -> Scorer:
        nonlocal known
        if known is None:
            from finstrat.host import Host

            known = Host.load()
        return installed_scorer(known, name)

    return Scoring(scorer)
