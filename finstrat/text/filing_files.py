"""Files of filings: their text, whatever they were saved as.

A folder's file may be HTML, Markdown or text, compressed or not. What the text means is
`filing`'s to say.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from finstrat.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".html", ".htm", ".xhtml", ".md", ".txt")
"""What is read, each also with .gz behind it."""


def is_filing_file(path: Path) -> bool:
    """Whether a file's name says that it may hold a filing."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def filing_text(path: Path) -> str:
    """A file's text: UTF-8, or else Windows-1252, which EDGAR's older files are in.

    Raises:
        DataError: there is no such file, it can't be unpacked, or it is no text.
    """
    if not is_filing_file(path):
        raise DataError(
            f"{path}: unknown kind of file; a filing is one of {', '.join(SUFFIXES)}, or that with "
            ".gz behind it"
        )
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: can't be read: {error}") from None
    if b"\0" in content:
        raise DataError(f"{path}: holds zero bytes, so it is no text; was it saved as a PDF?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
