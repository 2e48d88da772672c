import datetime as dt
import subprocess
import sys

import numpy as np
import pytest
from finstrat_plugins.sources.sp500 import Sp500

from finstrat.data import Clock, Span, Universe
from finstrat.data.align import panel_on_sessions
from finstrat.errors import DataError

YEAR = Span(dt.date(2015, 1, 1), dt.date(2015, 12, 31))


def test_twenty_adjusted_closes_cover_every_session_of_a_year():
    panel = Sp500().load(Universe(), YEAR)
    assert panel.shape == (252, 20)
    assert panel.fields == ("close",)
    assert not np.isnan(panel.values).any()
    assert (panel.times == Clock.build("XNYS", YEAR).sessions).all()


def test_no_session_of_the_demos_span_is_missing():
    span = Span(dt.date(2009, 1, 1), dt.date(2018, 12, 31))
    clock = Clock.build("XNYS", span)
    assert panel_on_sessions(Sp500().load(Universe(), span), clock).findings == ()


def test_prices_are_those_that_skfolio_loads():
    from skfolio.datasets import load_sp500_dataset

    theirs = load_sp500_dataset().loc["2015"]
    ours = Sp500().load(Universe(), YEAR)
    np.testing.assert_array_equal(ours["close"][list(theirs.columns)], theirs)


def test_loading_does_not_import_skfolio():
    code = (
        "import datetime as dt, sys; from finstrat.data import Span, Universe;"
        "from finstrat_plugins.sources.sp500 import Sp500;"
        "Sp500().load(Universe(), Span(dt.date(2015, 1, 1), dt.date(2015, 2, 1)));"
        "sys.exit('skfolio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_stock_names_the_nearest():
    with pytest.raises(DataError, match='no prices of "APPL"; did you mean "AAPL"'):
        Sp500().load(Universe(assets=("APPL",)), YEAR)


def test_another_currency_is_refused():
    with pytest.raises(DataError, match="prices in USD, but the run is in EUR"):
        Sp500().load(Universe(currency="EUR"), YEAR)


def test_span_beyond_the_data_is_refused():
    with pytest.raises(DataError, match="no price between"):
        Sp500().load(Universe(), Span(dt.date(2024, 1, 1), dt.date(2024, 2, 1)))
