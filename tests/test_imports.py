import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "vectorbt", "pandas", "numba", "sklearn", "skfolio")
LAYERS = (
    {"errors"},
    {"data"},
    {"components"},
    {"features", "text", "costs", "risk"},
    {"models", "portfolio", "simulate", "validate"},
    {"store", "ledger", "report"},
    {"hookspecs", "host"},
    {"toml_file", "config", "project"},
    {"signals", "market", "pipeline"},
    {"job"},
    {"testing", "cli"},
)
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted((ROOT / "finstrat").rglob("*.py"))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        f"import sys; sys.argv = ['finstrat', *{arguments!r}]\n"
        "from finstrat.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: finstrat" in done.stdout
    assert done.stdout.strip().endswith("HEAVY []")


def imported(path):
    """Names of finstrat's parts that a module imports at run time, functions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                [node.module]
                if node.module != "finstrat"
                else [f"finstrat.{alias.name}" for alias in node.names]
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = path.relative_to(ROOT / "finstrat").parts[0].removesuffix(".py")
    if part == "__init__":
        return
    for name in imported(path):
        _, _, below = name.partition("finstrat.")
        other = below.partition(".")[0]
        if name.startswith("finstrat.") and other in LEVEL:
            assert LEVEL[other] <= LEVEL[part], f"{part} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_simulate_imports_vectorbt_and_text_no_models(path):
    part = path.relative_to(ROOT / "finstrat").parts[0]
    names = list(imported(path))
    assert part == "simulate" or not any(name.startswith("vectorbt") for name in names)
    assert part != "text" or not any(name.startswith("finstrat.models") for name in names)


@pytest.mark.parametrize("folder", ["finstrat", "plugins", "strategies", "backtests"])
def test_nothing_imports_the_folders_by_their_names_in_this_repository(folder):
    for path in (ROOT / folder).rglob("*.py"):
        tops = {name.partition(".")[0] for name in imported(path)}
        assert not tops & {"plugins", "strategies", "backtests"}, path
