"""docs/first-signal.md is followed word for word, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "docs" / "first-signal.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def follow(tmp_path):
    """Runs a command line of the page as a reader would."""
    binaries = str(Path(sys.executable).parent)

    def run(command):
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in ended.stderr
        return ended

    return run


@pytest.mark.slow
def test_the_page_can_be_followed_word_for_word(follow, tmp_path):
    commands = [block.strip() for block in blocks("bash")]
    assert [command.split()[:3] for command in commands] == [
        ["finstrat", "init"],
        ["finstrat", "plugins", "new"],
        ["finstrat", "plugins", "check"],
        ["pytest"],
        ["finstrat", "run", "price_gap"],
    ]
    for command in commands:
        ended = follow(command)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    plugin = tmp_path / "plugins" / "price_gap.py"
    assert [plugin.read_text()] == blocks("python")
    assert list((tmp_path / "runs").glob("price-gap-*/report.html"))

    leaky = plugin.read_text().replace("features.rank(above,", "features.rank(above.roll(-1, 0),")
    plugin.write_text(leaky)
    ended = follow("finstrat plugins check price-gap --seconds 0")
    assert ended.returncode == 4
    assert "prefix: failed: value on 20" in ended.stderr


def test_the_signal_has_at_most_twenty_lines():
    [code] = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
