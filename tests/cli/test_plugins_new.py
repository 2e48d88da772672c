"""A new plugin works as it is written: its test passes, its check passes, its backtest runs."""

import os
import subprocess
import sys

import pytest


def run_pytest(directory, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def fresh(finstrat, tmp_path, monkeypatch):
    """A project that `init` has just made, which is also the current directory."""
    assert finstrat("init", tmp_path / "mine").code == 0
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.slow
def test_a_new_signal_passes_its_test_and_its_check_and_runs(finstrat, fresh):
    made = finstrat("plugins", "new", "price-gap")
    assert "next: finstrat plugins check price-gap && finstrat run price_gap" in made.out
    for file in ("plugins/price_gap.py", "tests/test_price_gap.py", "backtests/price_gap.toml"):
        assert (fresh / file).is_file()
        assert "{{" not in (fresh / file).read_text()
    code = (fresh / "plugins/price_gap.py").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 20

    checked = finstrat("plugins", "check", "price-gap", "--seconds", "0")
    assert checked.code == 0, checked
    assert "passed: nothing that was tried changed the past" in checked.out
    ended = finstrat("run", "price_gap", "--set", "span.start=2019-01-02")
    assert ended.code == 0, ended
    tested = run_pytest(fresh)
    assert "4 passed" in tested.stdout, tested.stdout


@pytest.mark.slow
def test_a_new_package_passes_its_test_once_it_is_installed(finstrat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = finstrat("plugins", "new", "price-gap", "--package")
    assert made.code == 0, made
    root = tmp_path / "price-gap"
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*.*")) == [
        "README.md",
        "backtests/price_gap.toml",
        "pyproject.toml",
        "src/price_gap/__init__.py",
        "tests/test_price_gap.py",
    ]
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", installed, root], check=True, capture_output=True)
    tested = run_pytest(root, PYTHONPATH=str(installed))
    assert "2 passed" in tested.stdout, tested.stdout


def test_nothing_that_is_there_is_overwritten(refused, fresh):
    (fresh / "backtests" / "price_gap.toml").write_text("mine")
    said = refused(2, "plugins", "new", "price-gap")
    assert "backtests/price_gap.toml already there; nothing was written" in said
    assert not (fresh / "plugins" / "price_gap.py").exists()


@pytest.mark.parametrize("name", ["PriceGap", "price_gap", "9lives", "price--gap", "", "é"])
def test_a_name_is_kebab_case(refused, fresh, name):
    assert "is no name in kebab-case" in refused(2, "plugins", "new", name)


def test_a_name_that_is_taken_is_refused(refused, fresh):
    said = refused(2, "plugins", "new", "momentum")
    assert 'a signal "momentum" is there already: finstrat' in said


def test_a_package_may_not_shadow_an_installed_module(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert 'module "json" is installed already' in refused(2, "plugins", "new", "json", "--package")


def test_without_a_project_it_says_what_to_do(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = refused(2, "plugins", "new", "price-gap")
    assert "run `finstrat init` first, or use --package" in said
    assert list(tmp_path.iterdir()) == []
