"""`finstrat runs`: what was run in this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from finstrat.cli import show
from finstrat.cli.state import State, print_json, print_table, shown_path

app = typer.Typer(no_args_is_help=True, help="List, show and compare finished runs.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def find_run(state: State, name: str) -> Path:
    """The directory of a run, by path, id, beginning of an id, or "latest".

    Raises:
        ConfigError: there is none, or more than one begins so.
        DataError: the run stopped before its end; the message says why.
    """
    from finstrat.errors import ConfigError, DataError, did_you_mean
    from finstrat.store import STOPPED, stored_runs

    if (Path(name) / "manifest.json").is_file():
        return Path(name).resolve()
    stored = stored_runs(state.project().runs)
    if name == "latest" and stored:
        return stored[-1]
    exact = [path for path in stored if path.name == name]
    found = exact or [path for path in stored if path.name.startswith(name)]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ConfigError(f'several runs begin with "{name}": {names}')
    if not found:
        for file in sorted(state.project().runs.glob("*/" + STOPPED)):
            if file.parent.name.startswith(name) or Path(name).resolve() == file.parent:
                reason = json.loads(file.read_text(encoding="utf-8"))["reason"]
                raise DataError(f"{file.parent.name} stopped before its end: {reason}")
        hint = (
            did_you_mean(name, [path.name for path in stored]) if stored else "; there is none yet"
        )
        raise ConfigError(f'no run "{name}" in {state.project().runs}{hint}')
    return found[0]


def read_report(run: Path) -> dict[str, Any]:
    """The stored report of a run.

    Raises:
        DataError: it is absent or damaged.
    """
    from finstrat.errors import DataError

    try:
        report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{run.name}: report.json can't be read ({error}); `finstrat report {run.name}` "
            "writes it anew"
        ) from None
    return report


@app.command("list")
def list_(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every finished run, the oldest first."""
    from finstrat.store import stored_runs

    reports = {
        path.name: read_report(path)
        for path in stored_runs(ctx.ensure_object(State).project().runs)
    }
    if as_json:
        print_json(
            [
                {"run": name, **{key: report[key] for key in ("name", "verdict", "headline")}}
                for name, report in reports.items()
            ]
        )
        return
    if not reports:
        typer.echo("no run yet; `finstrat run momentum` makes one")
        return
    # A credit report has other figures than a backtest: each kind has columns of its own.
    labels = list(
        dict.fromkeys(
            each["label"] for report in reports.values() for each in report["headline"][:3]
        )
    )
    rows = []
    for name, report in reports.items():
        figures = {each["label"]: show.value(each["figure"]) for each in report["headline"]}
        told = (figures.get(label, "") for label in labels)
        rows.append((name, report["verdict"]["outcome"], *told))
    print_table(["run", "verdict", *labels], rows)


@app.command("show")
def show_(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help='A run\'s id, the beginning of one, or "latest".')],
    *,
    as_json: JsonOption = False,
) -> None:
    """The headline of one run and what it was made of."""
    path = find_run(ctx.ensure_object(State), run)
    report = read_report(path)
    if as_json:
        print_json(report)
        return
    show.headline(report)
    provenance = report["provenance"]
    rows = [(key, str(provenance[key])) for key in sorted(provenance)]
    print_table(["provenance", ""], rows)
    typer.echo(f"directory: {path}")


@app.command("compare")
def compare(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN …", help="Two runs or more.")],
    *,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with charts as well.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Headline figures side by side, and the configuration keys that differ."""
    from finstrat.errors import ConfigError
    from finstrat.report import comparison, document
    from finstrat.store import load, write_atomically

    if len(names) < 2:
        raise ConfigError("runs compare: name two runs or more")
    if page is not None and (page.suffix != ".html" or not page.parent.is_dir()):
        raise ConfigError(f"--page {page}: expected an .html file in a directory that exists")
    state = ctx.ensure_object(State)
    paths = [find_run(state, name) for name in names]
    repeated = next((path.name for path in paths if paths.count(path) > 1), None)
    if repeated:
        raise ConfigError(f"runs compare: {repeated} is named twice")
    runs = []
    for path in paths:
        result = load(path)
        config = {key: json.dumps(entry) for key, entry in _flat(result.config).items()}
        runs.append(comparison.Compared(path.name, result, read_report(path), config))
    if page is not None:
        write_atomically(page, document.page(comparison.comparison_page(runs)).encode())
    changed = comparison.differing(runs)
    if as_json:
        print_json(
            {
                "runs": [run.name for run in runs],
                "headlines": [run.report["headline"] for run in runs],
                "config": {
                    key: [None if each == "–" else json.loads(each) for each in values]
                    for key, values in changed.items()
                },
            }
        )
        return
    columns = [run.name for run in runs]
    labels = [each["label"] for each in runs[0].report["headline"]]
    figures = [
        {each["label"]: show.value(each["figure"]) for each in run.report["headline"]}
        for run in runs
    ]
    rows = [[label, *(each.get(label, "–") for each in figures)] for label in labels]
    rows.append(["verdict", *(run.report["verdict"]["outcome"] for run in runs)])
    print_table(["figure", *columns], rows)
    if changed:
        print_table(["configuration", *columns], [[key, *each] for key, each in changed.items()])
    if page is not None:
        typer.echo(f"page: {shown_path(page)}")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested table as dotted keys."""
    result: dict[str, Any] = {}
    for key, entry in table.items():
        if isinstance(entry, dict):
            result.update(_flat(entry, f"{prefix}{key}."))
        else:
            result[f"{prefix}{key}"] = entry
    return result
