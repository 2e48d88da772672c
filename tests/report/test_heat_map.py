"""Heat maps, drawn without a browser."""

from __future__ import annotations

import vl_convert

from finstrat.report.heat_map import heat_map

CELLS = [
    {"change": change, "option": option, "Sharpe": value}
    for option, value in (("window", -0.26), ("damping", 0.14))
    for change in ("× 0.5", "as it runs", "× 2")
]


def test_numbers_stand_in_the_cells_where_they_have_room_and_are_left_out_where_not() -> None:
    assert ">−0.26<" in _drawn(300)
    assert ">−0.26<" not in _drawn(120)


def _drawn(width: int) -> str:
    """The picture at a width of the page, less what can't be seen."""
    chart = heat_map(CELLS, x="change", y="option", figure="Sharpe", title="Sharpe", alt="Map.")
    svg = vl_convert.vegalite_to_svg({**chart.spec, "width": width})
    return "".join(part for part in svg.split("<text") if 'opacity="0"' not in part)
