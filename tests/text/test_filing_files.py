import gzip

import pytest

from finstrat.errors import DataError
from finstrat.text.filing_files import filing_text


def test_a_file_may_be_compressed_and_in_the_encoding_of_old_filings(tmp_path):
    (tmp_path / "a.html").write_bytes("\ufeff“Öl”".encode())
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress("“Öl”".encode("cp1252")))
    assert filing_text(tmp_path / "a.html") == filing_text(tmp_path / "b.txt.gz") == "“Öl”"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"x", "unknown kind of file"),
        ("a.htm.gz", b"x", "can't be read"),
        ("a.htm.gz", gzip.compress(b"xxx")[:-6], "can't be read"),
        ("a.txt", b"%PDF\0", "is no text"),
        ("a.txt", None, "no such file"),
    ],
)
def test_what_is_no_filing_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: .*{message}"):
        filing_text(tmp_path / name)
