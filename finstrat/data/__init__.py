"""Data with its time attached: sessions, prices, documents, facts, and where they are joined.

`clock` knows when a session's decision is taken, `align` is the only place where anything is
joined to a session, `quality` counts what was dropped on the way.
"""

from finstrat.data.clock import Clock, Span, Universe
from finstrat.data.documents import Documents
from finstrat.data.facts import Facts
from finstrat.data.finding import Finding
from finstrat.data.panel import Panel

__all__ = ["Clock", "Documents", "Facts", "Finding", "Panel", "Span", "Universe"]
