import numpy as np
import pytest

from finstrat.credit.bands import band_names, bands, checked_edges
from finstrat.errors import ConfigError


def test_an_edge_belongs_to_the_safer_band_and_the_unknown_to_none():
    assert bands(np.array([0.0, 0.01, 0.011, 0.9, np.nan]), (0.01, 0.1)) == ["1", "1", "2", "3", ""]
    assert band_names((0.01, 0.1)) == ("1", "2", "3")


@pytest.mark.parametrize("edges", [(), (0.1, 0.1), (0.2, 0.1), (0.0, 0.1), (0.5, 1.0)])
def test_edges_must_rise_between_none_and_all(edges):
    with pytest.raises(ConfigError, match="edges must rise between 0 and 1"):
        checked_edges(edges)
