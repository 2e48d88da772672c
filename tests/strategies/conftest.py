import datetime as dt

import numpy as np
import pytest
import torch

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span


@pytest.fixture
def seen():
    """What a strategy sees: closes `[T, N]` of assets A, B, … from a Monday on, and features."""

    def make(close, *, start=dt.date(2015, 3, 2), first=0, member=None, **features):
        close = np.asarray(close, dtype=float)
        clock = Clock.build("XNYS", Span(start, start + dt.timedelta(days=3 * 365)))
        clock = clock.slice(0, len(close))
        names = [chr(65 + i) for i in range(close.shape[1])]
        panel = Panel.from_fields(clock.sessions, names, {"close": close}, member=member)
        return Inputs(
            panel=panel,
            documents=Documents.empty(),
            facts=Facts.empty(),
            clock=clock,
            device=torch.device("cpu"),
            first=first,
            features={
                key: torch.tensor(value, dtype=torch.float64) for key, value in features.items()
            },
        )

    return make
