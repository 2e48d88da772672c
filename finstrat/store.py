"""What a finished run holds, and how it lies on disk: whole, or not at all.

Nothing here renders a report or knows how a run came about; the ledger of trials is `ledger`.
"""

from __future__ import annotations

import ctypes
import dataclasses
import glob
import io
import json
import os
import secrets
import shutil
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from finstrat.errors import DataError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from finstrat.data import Finding
    from finstrat.text.card import ModelCard


FORMAT = 1
"""Of a run's directory; raised when a reader of the old one could not read the new."""


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run when it starts."""

    name: str
    config: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RunResult:
    """One finished run; everything in it but `provenance` follows from its inputs alone.

    Attributes:
        kind: what was run; sections of a report declare which kinds they serve.
        name: of the backtest.
        config: as resolved: file, overrides and defaults.
        sessions: one row a session of the evaluated span (index `session`), columns
            net, gross: simple daily returns of the strategy after and before costs;
            benchmark: daily returns of the benchmark (NaN column where there is none);
            twin: daily net returns of the text-neutral twin (NaN column where there is none);
            twin_gross, twin_turnover: its returns before costs, and its turnover;
            inference: paid for scoring, in currency, where a price is declared: `net` and `equity`
            are after it, the rest is the account's as it traded;
            equity: net asset value at the close, in `config["market"]["currency"]`;
            exposure: Σ|w| held at the close; net_exposure: Σw;
            turnover: traded value / net asset value before the trades;
            fees, slippage: paid that session, in currency; cash: at the close.
        targets: target weights decided at each session's close, `[T, N]`; NaN row = hold.
        holdings: weights held at each close, `[T, N]`.
        asset_returns: adjusted simple returns of each asset, `[T, N]`; NaN = unknown.
        orders: one row a fill: session (of the fill), asset, side ("buy"/"sell"), shares, price
            (after slippage), value, fee, slippage.
        periods_per_year: average sessions a year of the calendar.
        initial_cash: net asset value before the first session.
        findings: data quality, counted.
        cards: of the models whose scores were used.
        manifest: input hashes, components with version and file, engine, seeds, counts of what was
            scored ("counts").
        signals: of each output "signal.output" its tearsheet as plain data, as
            `validate/signal_record` makes it.
        trials: `{"family", "recorded", "declared", "total"}`: how many were tried on this universe
            and span, this one included.
        checks: results of audits, by name; an absent one was not run.
        provenance: run id, time, machine, device, library versions, timings.
        assessments: of a credit result, one row a borrower: sample ("judged", or "reference" for
            the rows that the model learnt from), entity, defaulted, probability, band, and, where
            there are such, as_of, fold, family and known (whether training knew the borrower).
            None for any other kind; the frames above are empty in a credit result.
        path: the run's directory, or None where it was not stored.
    """

    kind: Literal["backtest", "credit", "returns"]
    name: str
    config: dict[str, Any]
    sessions: pd.DataFrame
    targets: pd.DataFrame
    holdings: pd.DataFrame
    asset_returns: pd.DataFrame
    orders: pd.DataFrame
    periods_per_year: float
    initial_cash: float
    findings: tuple[Finding, ...] = ()
    cards: tuple[ModelCard, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)
    trials: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    assessments: pd.DataFrame | None = None
    path: Path | None = None


_UNFINISHED = ".part"
_ASIDE = ".old"
_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""

FRAMES = ("sessions", "targets", "holdings", "asset_returns", "orders")
ASSESSMENTS = "assessments"


def write_atomically(path: Path, content: bytes) -> None:
    """`content` at `path`, whole or not at all: temporary file beside it, fsync, rename."""
    # Not `tempfile`: its files are closed to everyone else, and a report is there to be read.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which appears at `path` when it is complete, or not at all.

    For what takes long to write: what a killed process has left is removed by the next one.
    """
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and left.name.endswith(_UNFINISHED):
            _remove_unless_in_use(left)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    file = temporary.open("xb")
    try:
        with file:
            _lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def directory_written_whole(path: Path, *, mark: str) -> Iterator[Path]:
    """A directory to write into, which appears at `path` when it is complete, or not at all.

    An older one there gives way in the end, if it holds a file called `mark`, which says that it is
    of the same kind. What a killed process has left is removed by the next one. Where the system
    can't exchange two names at once, one killed between the two renames leaves the older directory
    aside, and the next one puts it back first.

    Raises:
        DataError: something else is at `path`.
    """
    require_replaceable(path, mark=mark)
    path.parent.mkdir(parents=True, exist_ok=True)
    _put_in_order(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    temporary.mkdir()
    try:
        with sole_user(temporary):
            yield temporary
            if not path.exists():
                temporary.rename(path)
            elif _exchange(temporary, path):
                # It holds the older one now, which the next writer may be removing already.
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                old = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_ASIDE}")
                path.rename(old)
                temporary.rename(path)
                shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _put_in_order(path: Path) -> None:
    """Remove what killed processes left beside `path`; an older directory there comes back."""
    for left in sorted(path.parent.glob(f".{glob.escape(path.name)}.*")):
        if left.name.endswith(_UNFINISHED):
            with suppress(DataError), sole_user(left):
                shutil.rmtree(left)
        elif left.name.endswith(_ASIDE) and left.is_dir():
            if path.exists():
                shutil.rmtree(left)
            else:
                left.rename(path)


def _exchange(first: Path, second: Path) -> bool:
    """Whether the two paths now hold each other's content, at no moment none: Linux can do that."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    names = (os.fsencode(first), os.fsencode(second))
    return bool(rename(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)


def require_replaceable(path: Path, *, mark: str, made_of: Path | None = None) -> None:
    """See that `directory_written_whole` will be able to write there; ask it before long work.

    `made_of` is the directory that the new one is made of, if there is one, and stays.

    Raises:
        DataError: something else is at `path`, or what the new directory is made of.
    """
    if made_of is not None and path.resolve() == made_of.resolve():
        raise DataError(f"{path}: would replace what it is made of; choose another name")
    if path.exists() and not (path / mark).is_file() and not _is_empty(path):
        raise DataError(f"{path}: is there already and holds no {mark}; choose another name")


@contextmanager
def sole_user(directory: Path) -> Iterator[None]:
    """Nobody else is in `directory` by this; the claim ends with the process, however it ends.

    Raises:
        DataError: somebody is.
    """
    opened = os.open(directory, os.O_RDONLY)
    try:
        try:
            _lock(opened)
        except OSError as error:
            raise DataError(f"{directory}: another process is working there") from error
        yield
    finally:
        os.close(opened)


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _remove_unless_in_use(left: Path) -> None:
    """Remove a file whose writer has died: its lock died with it."""
    with suppress(OSError), left.open("rb") as file:
        _lock(file)
        left.unlink()


def _lock(file: BinaryIO | int) -> None:
    """Mark `file` as in use; an OSError says that it is already."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def canonical_json(data: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The same bytes for the same data: sorted keys, shortest floats, no NaN."""
    text = json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def save(result: RunResult, runs: Path, *, extra: Mapping[str, bytes]) -> Path:
    """The directory of a stored run, under `runs`; `extra` files are written into it too.

    The directory appears under its final name only when everything is in it.
    """
    runs.mkdir(parents=True, exist_ok=True)
    directory = runs / str(result.provenance["run_id"])
    temporary = runs / f".writing-{secrets.token_hex(4)}"
    temporary.mkdir()
    try:
        for name in (*FRAMES, *((ASSESSMENTS,) if result.assessments is not None else ())):
            frame: pd.DataFrame = getattr(result, name)
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            write_atomically(temporary / f"{name}.parquet", buffer.getvalue())
        # In its own order: a report written anew from it lists everything as the first one did.
        manifest = json.dumps(_manifest(result), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(temporary / "manifest.json", f"{manifest}\n".encode())
        for name, content in extra.items():
            write_atomically(temporary / name, content)
        temporary.rename(directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return directory


STOPPED = "stopped.json"
"""In the directory of a run that ended before its time: why."""


def save_stopped(runs: Path, run_id: str, reason: Mapping[str, Any]) -> Path:
    """The file that says why a run stopped, in a directory that holds nothing else."""
    directory = runs / run_id
    directory.mkdir(parents=True)
    write_atomically(directory / STOPPED, canonical_json({"format": FORMAT, **reason}))
    return directory / STOPPED


def load(directory: Path) -> RunResult:
    """The run stored in `directory`.

    Raises:
        DataError: it holds no run, or one written by a newer finstrat.
    """
    import pandas as pd

    from finstrat.data import Finding
    from finstrat.text.card import ModelCard

    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{directory}: no run here (no manifest.json)") from None
    except ValueError as error:
        raise DataError(f"{directory / 'manifest.json'}: damaged: {error}") from None
    if manifest.get("format") != FORMAT:
        raise DataError(
            f"{directory}: written in format {manifest.get('format')}, this finstrat reads {FORMAT}"
        )
    try:
        frames = {name: pd.read_parquet(directory / f"{name}.parquet") for name in FRAMES}
        if (directory / f"{ASSESSMENTS}.parquet").is_file():
            frames[ASSESSMENTS] = pd.read_parquet(directory / f"{ASSESSMENTS}.parquet")
    except (OSError, ValueError) as error:
        raise DataError(f"{directory}: {error}") from None
    checks = {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((directory / "checks").glob("*.json"))
    }
    described = manifest["result"]
    fields: dict[str, Any] = {
        **described,
        **frames,
        "findings": tuple(Finding(**finding) for finding in described["findings"]),
        "cards": tuple(ModelCard.model_validate(card) for card in described["cards"]),
    }
    return RunResult(**fields, checks=checks, path=directory)


def stored_runs(runs: Path) -> list[Path]:
    """The directories of finished runs, the oldest first."""
    found = [path for path in runs.glob("*/manifest.json") if path.parent.name[0] != "."]
    # The manifest is written once; a report written anew changes the directory's own time.
    found.sort(key=lambda manifest: (manifest.stat().st_mtime_ns, manifest.parent.name))
    return [manifest.parent for manifest in found]


def _manifest(result: RunResult) -> dict[str, Any]:
    described = {
        "kind": result.kind,
        "name": result.name,
        "config": result.config,
        "periods_per_year": result.periods_per_year,
        "initial_cash": result.initial_cash,
        "findings": [dataclasses.asdict(finding) for finding in result.findings],
        "cards": [card.model_dump(mode="json") for card in result.cards],
        "manifest": result.manifest,
        "signals": result.signals,
        "trials": result.trials,
        "provenance": result.provenance,
    }
    return {"format": FORMAT, "result": described}
