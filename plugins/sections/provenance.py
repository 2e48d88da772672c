"""Where every number comes from: settings, inputs, components, engine.

Only what follows from the inputs; machine, time and run id stand at the foot of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.components import Section
from finstrat.report.block import Block, Table

if TYPE_CHECKING:
    from finstrat.store import RunResult

Rows = tuple[tuple[str | float | int | None, ...], ...]


class ProvenanceSection(Section):
    """The manifest and the resolved settings, as a reader can check them."""

    name = "provenance"
    version = "1"
    serves = ("backtest", "credit", "returns")
    order = 100

    def build(self, result: RunResult) -> Block:
        """Components with their versions, input hashes, engine and seeds; then every setting."""
        own = {"components", "fits", "fallbacks"}
        manifest = {key: value for key, value in result.manifest.items() if key not in own}
        tables = [Table("Settings of the backtest", ("Setting", "Value"), _flat(result.config))]
        if manifest:
            tables.insert(0, Table("Inputs and engine", ("Item", "Value"), _flat(manifest)))
        if result.manifest.get("fits"):
            tables.insert(0, _fits(result.manifest["fits"]))
        components = _components(result.manifest.get("components"))
        if components is not None:
            tables.insert(0, components)
        return Block(id=self.name, title="Provenance", tables=tuple(tables))


def _fits(recorded: dict[str, list[dict[str, Any]]]) -> Table:
    """What was fitted, a row for each signal: when, and from how much of the past."""
    columns = (
        "Signal",
        "Fits",
        "First",
        "Last",
        "Examples from",
        "to",
        "Fewest",
        "Most",
        "Last model",
    )
    rows = tuple(
        (
            name,
            len(fits),
            fits[0]["session"],
            fits[-1]["session"],
            fits[0]["first"],
            fits[-1]["last"],
            min(fit["rows"] for fit in fits),
            max(fit["rows"] for fit in fits),
            fits[-1]["note"],
        )
        for name, fits in sorted(recorded.items())
    )
    return Table("Fitted signals", columns, rows)


def _components(recorded: Any) -> Table | None:  # noqa: ANN401 - whatever the manifest holds
    """The components of a run, a row each, or None where the manifest names none."""
    if isinstance(recorded, dict):
        recorded = [
            {"component": name, **(entry if isinstance(entry, dict) else {"version": entry})}
            for name, entry in sorted(recorded.items())
        ]
    if not isinstance(recorded, list | tuple) or not recorded:
        return None
    entries = [entry if isinstance(entry, dict) else {"component": entry} for entry in recorded]
    columns = tuple(dict.fromkeys(key for entry in entries for key in entry))
    rows = tuple(tuple(_text(entry.get(key)) for key in columns) for entry in entries)
    return Table("Components", tuple(str(key) for key in columns), rows)


def _flat(tree: Any, prefix: str = "") -> Rows:  # noqa: ANN401 - a tree of plain data
    """Every leaf of nested mappings with its dotted key, in order of keys."""
    if not isinstance(tree, dict):
        return ((prefix.rstrip("."), _text(tree)),)
    return tuple(
        row for key in sorted(tree, key=str) for row in _flat(tree[key], f"{prefix}{key}.")
    )


def _text(value: Any) -> str | float | int | None:  # noqa: ANN401 - a leaf of plain data
    """A cell: numbers as they are, anything nested as text."""
    if value is None or isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, list | tuple):
        return ", ".join(str(_text(item)) for item in value)
    return str(value)
