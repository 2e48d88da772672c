import datetime as dt
import re
from pathlib import Path

import pytest
from finstrat_plugins.sources.files import FilesDocuments, FilesFacts, FilesPrices

from finstrat.data import Span, Universe

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
EXAMPLES = re.findall(r"```csv (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SOURCES = {"prices": FilesPrices, "documents": FilesDocuments, "facts": FilesFacts}


def test_every_kind_of_file_has_an_example():
    assert {kind for kind, _ in EXAMPLES} == set(SOURCES)


@pytest.mark.parametrize(("kind", "content"), EXAMPLES)
def test_documented_example_is_read_without_a_finding(tmp_path, kind, content):
    (tmp_path / "f.csv").write_text(content)
    span = Span(dt.date(2015, 1, 1), dt.date(2015, 12, 31))
    loaded = SOURCES[kind]({"path": tmp_path / "f.csv"}).load(Universe(), span)
    assert loaded.findings == ()
    if kind == "prices":
        assert loaded.shape == (2, 2)
    else:
        assert len(loaded) == content.strip().count("\n")
