"""The wheel holds what the tree holds, built from a clean export: a stale build would lie."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "finstrat": "finstrat",
    "plugins": "finstrat_plugins",
    "strategies": "finstrat_strategies",
    "backtests": "finstrat_backtests",
}
SHIPPED = {
    ".csv",
    ".py",
    ".toml",
    ".safetensors",
    ".json",
    ".html",
    ".css",
    ".js",
    ".txt",
    ".typed",
}


@pytest.fixture(scope="module")
def tracked():
    """The files that git knows or would add, relative to the repository."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout here, so there is no clean export to build from")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tracked, tmp_path_factory):
    """The names of the files in a wheel built from those files."""
    pytest.importorskip("setuptools", minversion="77", reason="building a wheel needs setuptools")
    export = tmp_path_factory.mktemp("export")
    for name in tracked:
        (export / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, export / name)
    build = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    ended = subprocess.run(
        [sys.executable, "-c", build], cwd=export, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    [built] = (export / "wheels").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_holds_what_the_tree_holds(tracked, wheel):
    expected = {
        "/".join((FOLDERS[path.parts[0]], *path.parts[1:]))
        for path in tracked
        if path.parts[0] in FOLDERS and path.suffix in SHIPPED
    }
    packed = {name for name in wheel if ".dist-info/" not in name}
    assert packed == expected


@pytest.mark.slow
def test_the_wheel_holds_one_of_each_kind_of_file(wheel):
    assert {f"{package}/py.typed" for package in FOLDERS.values()} <= wheel
    assert "finstrat_backtests/market_mood.toml" in wheel
    assert "finstrat/templates/project/.gitignore.txt" in wheel
    assert "finstrat/report/page.html" in wheel
    assert any(name.endswith(".safetensors") for name in wheel)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)
