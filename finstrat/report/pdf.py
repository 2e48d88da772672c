"""A report's page as a PDF, printed by the Chromium that is on PATH.

It draws nothing itself: what is printed is `report.html`, with the page's own print rules.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from finstrat.errors import ConfigError, FinstratError

if TYPE_CHECKING:
    from collections.abc import Sequence

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

_FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer"),
    "--virtual-time-budget=8000",  # charts are drawn by a script; this is how long it may take
)
_WAIT_S = 180


def browser() -> Path:
    """The Chromium on PATH.

    Raises:
        ConfigError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise ConfigError(
            f"a PDF takes Chromium: none of {', '.join(BROWSERS)} is on PATH; install one, or "
            "print report.html from your browser"
        )
    return Path(found)


def print_pdf(page: Path, program: Path) -> bytes:
    """The PDF that `program` prints of the file `page`.

    Raises:
        FinstratError: the browser failed or took longer than three minutes.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "report.pdf"
        # Chromium refuses its sandbox to root; the page reaches no network and is our own.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [str(program), *_FLAGS, *root, f"--user-data-dir={scratch}/profile"]
        said = _run([*command, f"--print-to-pdf={out}", page.resolve().as_uri()])
        if not out.is_file():
            raise FinstratError(f"{program.name} printed no PDF of {page}: {said[-500:]}")
        return out.read_bytes()


def _run(command: Sequence[str]) -> str:
    """What a command wrote to its error output."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WAIT_S, check=False)  # noqa: S603 - a browser found on PATH, our own page
    except subprocess.TimeoutExpired:
        raise FinstratError(f"{command[0]} took more than {_WAIT_S} s to print") from None
    return done.stderr.decode(errors="replace")
