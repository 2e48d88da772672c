import shutil

import pytest

from finstrat.errors import ConfigError, FinstratError
from finstrat.report import pdf


def test_without_a_browser_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"none of chromium, .* is on PATH; install one"):
        pdf.browser()


def test_browser_that_prints_nothing_is_told_with_what_it_said(tmp_path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho 'no display' >&2\n")
    program.chmod(0o755)
    with pytest.raises(FinstratError, match="printed no PDF of .*no display"):
        pdf.print_pdf(tmp_path / "report.html", program)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH")
def test_page_is_printed(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<h1>A report</h1>")
    assert pdf.print_pdf(page, pdf.browser()).startswith(b"%PDF-")
