"""Which module may import which, and what a quick command must not import at all."""

import ast
import graphlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ORDER = (
    ("errors",),
    ("data",),
    ("components",),
    ("features", "text", "costs", "risk"),
    ("models", "portfolio", "simulate", "validate", "credit"),
    ("fitting",),
    ("store", "ledger", "approvals", "report"),
    ("hookspecs", "host"),
    ("toml_file",),
    ("config", "project"),
    ("artefacts", "holdout"),
    ("faults",),
    ("signals",),
    ("market",),
    ("desk", "signal_records"),
    ("pipeline",),
    ("job", "score_file", "scorecards", "targets"),
    ("audit", "sweep"),
    ("lineage", "monitor"),
    ("advice",),
    ("testing", "cli"),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
NUMERIC = {"data", "features", "text", "costs", "risk", "models", "portfolio", "simulate"} | {
    *("validate", "credit")
}
FOLDERS = {
    "finstrat": "finstrat",
    "finstrat_plugins": "plugins",
    "finstrat_strategies": "strategies",
    "finstrat_backtests": "backtests",
}
HEAVY = ("torch", "transformers", "vectorbt", "pandas", "numba", "sklearn", "skfolio")


@dataclass(frozen=True)
class Import:
    """One imported module: by whom, on which line, and when."""

    importer: str
    imported: str
    line: int
    typing_only: bool
    at_top: bool

    def __str__(self):
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules():
    """Every module of the four packages, by import name."""
    for package, folder in FOLDERS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *parts)).removesuffix(".__init__")
            yield name, file


MODULES = dict(modules())


def imports_of(name, file):
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))

    def visit(node, *, typing_only, at_top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                for each in child.body:
                    yield from found_in(each, typing_only=True, at_top=at_top)
                for each in child.orelse:
                    yield from found_in(each, typing_only=typing_only, at_top=at_top)
            else:
                yield from found_in(child, typing_only=typing_only, at_top=at_top)

    def found_in(node, *, typing_only, at_top):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno, typing_only, at_top)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: write the import out in full"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in MODULES else node.module
                yield Import(name, target, node.lineno, typing_only, at_top)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from visit(node, typing_only=typing_only, at_top=at_top and not inside)

    yield from visit(tree, typing_only=False, at_top=True)


IMPORTS = [each for name, file in MODULES.items() for each in imports_of(name, file)]


def part(module):
    """The part of the framework a module belongs to, like "data"; None for the root itself."""
    pieces = module.split(".")
    return pieces[1] if pieces[0] == "finstrat" and len(pieces) > 1 else None


def test_every_part_of_the_framework_has_its_place_in_the_order():
    assert {part(name) for name in MODULES} - {None} <= set(RANK)


def test_imports_run_one_way():
    wrong = [
        str(each)
        for each in IMPORTS
        if not each.typing_only
        and part(each.importer)
        and part(each.imported)
        and RANK[part(each.imported)] > RANK[part(each.importer)]
    ]
    assert wrong == []


def test_no_two_parts_need_each_other():
    needs = {name: set() for name in RANK}
    for each in IMPORTS:
        here, there = part(each.importer), part(each.imported)
        if here and there and here != there and not each.typing_only:
            needs[here].add(there)
    graphlib.TopologicalSorter(needs).prepare()


def test_the_root_imports_nothing_of_its_own_at_run_time():
    assert [
        str(each)
        for each in IMPORTS
        if each.importer == "finstrat" and part(each.imported)
        if not each.typing_only
    ] == []


def test_components_name_heavy_types_for_the_type_checker_only():
    wrong = [
        str(each)
        for each in IMPORTS
        if each.importer in {"finstrat.components", "finstrat.errors", "finstrat.hookspecs"}
        and each.at_top
        and not each.typing_only
        and each.imported.split(".")[0] in {*HEAVY, "numpy"}
    ]
    assert wrong == []


def test_the_command_line_imports_nothing_heavy_at_the_top():
    wrong = [
        str(each)
        for each in IMPORTS
        if part(each.importer) == "cli"
        and each.at_top
        and not each.typing_only
        and each.imported.split(".")[0] in {*HEAVY, "numpy"}
    ]
    assert wrong == []


def test_text_never_imports_models():
    assert [
        str(each)
        for each in IMPORTS
        if part(each.importer) == "text" and part(each.imported) == "models"
    ] == []


def test_numeric_packages_never_import_the_host():
    assert [
        str(each)
        for each in IMPORTS
        if part(each.importer) in NUMERIC and part(each.imported) in {"host", "hookspecs"}
    ] == []


def test_only_simulate_imports_vectorbt():
    importers = {each.importer for each in IMPORTS if each.imported.startswith("vectorbt")}
    assert importers
    assert {part(name) for name in importers} == {"simulate"}


def test_the_framework_never_imports_what_is_bundled():
    assert [
        str(each)
        for each in IMPORTS
        if each.importer.startswith("finstrat.") and each.imported.startswith("finstrat_")
    ] == []


def test_bundled_packages_import_only_finstrat_and_their_own():
    wrong = [
        str(each)
        for each in IMPORTS
        if each.importer.startswith("finstrat_")
        and each.imported.startswith("finstrat_")
        and each.imported.split(".")[0] != each.importer.split(".")[0]
    ]
    assert wrong == []


def test_nothing_imports_a_folder_of_this_repository_by_its_name():
    folders = set(FOLDERS.values()) - {"finstrat"}
    others = [
        each
        for folder in ("tests", "benchmarks")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for each in imports_of(f"{folder}.{file.stem}", file)
    ]
    wrong = [str(each) for each in (*IMPORTS, *others) if each.imported.split(".")[0] in folders]
    assert wrong == []


QUICK = """
import json, sys
from finstrat.cli import app
sys.argv = ["finstrat", *{arguments!r}]
try:
    app(prog_name="finstrat")
except SystemExit as ended:
    assert ended.code in (0, None), ended.code
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", QUICK.format(arguments=arguments)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    loaded = json.loads(ended.stdout.splitlines()[-1])
    assert "finstrat" in loaded
    assert set(loaded) & {*HEAVY, "numpy", "finstrat_plugins", "finstrat_strategies"} == set()
