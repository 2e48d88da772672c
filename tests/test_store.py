import dataclasses
import datetime as dt
import json
import os
import stat
import sys

import numpy as np
import pandas as pd
import pytest

from finstrat import store
from finstrat.data import Finding
from finstrat.errors import DataError
from finstrat.store import (
    RunResult,
    canonical_json,
    directory_written_whole,
    load,
    save,
    stored_runs,
    write_atomically,
)
from finstrat.text.card import ModelCard


def result(run_id="demo-1", **changes):
    index = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name="session")
    weights = pd.DataFrame([[np.nan, np.nan], [0.25, 0.75]], index=index, columns=["A", "B"])
    orders = pd.DataFrame(
        {
            "session": index[1:],
            "asset": ["A"],
            "side": ["buy"],
            "shares": [2.5],
            "price": [10.0],
            "value": [25.0],
            "fee": [0.1],
            "slippage": [0.0],
        }
    )
    card = ModelCard(
        name="m",
        version="1",
        summary="s",
        training_data=("d",),
        licence="MIT",
        training_cutoff=dt.date(2020, 1, 1),
        cutoff_reason="r",
    )
    fields = {
        "kind": "backtest",
        "name": "demo",
        "config": {"span": {"start": "2024-01-02"}, "benchmark": None},
        "sessions": pd.DataFrame({"net": [0.0, 0.1], "twin": [np.nan, np.nan]}, index=index),
        "targets": weights,
        "holdings": weights.fillna(0.0),
        "asset_returns": weights.fillna(0.0),
        "orders": orders,
        "periods_per_year": 252.0,
        "initial_cash": 1000.0,
        "findings": (Finding("prices", "gap", 2, "kept", "warning"),),
        "cards": (card,),
        "manifest": {"inputs": {"prices": "abc"}},
        "trials": {"total": 1},
        "provenance": {"run_id": run_id},
    }
    return RunResult(**{**fields, **changes})


def test_a_stored_run_is_read_back_as_it_was(tmp_path):
    written = result()
    path = save(written, tmp_path / "runs", extra={"report.json": b"{}\n"})
    read = load(path)
    assert path == tmp_path / "runs" / "demo-1"
    assert read.path == path
    assert (path / "report.json").read_bytes() == b"{}\n"
    for field in dataclasses.fields(RunResult):
        if field.name in store.FRAMES:
            pd.testing.assert_frame_equal(
                getattr(read, field.name), getattr(written, field.name), check_freq=False
            )
        elif field.name != "path":
            assert getattr(read, field.name) == getattr(written, field.name), field.name


def test_checks_written_later_are_read_with_the_run(tmp_path):
    path = save(result(), tmp_path, extra={})
    (path / "checks").mkdir()
    (path / "checks" / "causality.json").write_text('{"outcome": "pass"}')
    assert load(path).checks == {"causality": {"outcome": "pass"}}


@pytest.mark.parametrize("breaks_at", range(1, 7))
def test_a_run_that_can_not_be_written_whole_leaves_nothing(tmp_path, monkeypatch, breaks_at):
    synced = []

    def full_disk(handle):
        synced.append(handle)
        if len(synced) == breaks_at:
            raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        save(result(), tmp_path / "runs", extra={"report.json": b"{}"})
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_number_that_json_lacks_leaves_no_run(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        save(result(trials={"p": float("nan")}), tmp_path / "runs", extra={})
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_file_that_can_not_be_written_whole_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_atomically(path, b"old")

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_may_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        run = save(result(), tmp_path / "runs", extra={"report.html": b"<p>"})
    finally:
        os.umask(before)
    assert stat.S_IMODE((run / "report.html").stat().st_mode) == 0o644
    assert stat.S_IMODE(run.stat().st_mode) == 0o755


def test_canonical_json_is_the_same_for_the_same_data():
    assert canonical_json({"b": 0.1, "a": "é"}) == canonical_json({"a": "é", "b": 0.1})
    assert canonical_json({"b": 0.1, "a": "é"}) == '{\n "a": "é",\n "b": 0.1\n}\n'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_canonical_json_refuses_what_json_lacks(number):
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"x": [number]})


def test_runs_are_listed_by_age_even_after_a_report_was_written_anew(tmp_path):
    for age, name in enumerate(["second", "first", "third"]):
        path = save(result(name), tmp_path, extra={"report.html": b"old"})
        when = 1_700_000_000 + {"first": 0, "second": 10, "third": 20}[name]
        os.utime(path / "manifest.json", (when, when))
        assert age < 3
    write_atomically(tmp_path / "first" / "report.html", b"new")
    (tmp_path / ".writing-abc").mkdir()
    (tmp_path / ".writing-abc" / "manifest.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    assert [path.name for path in stored_runs(tmp_path)] == ["first", "second", "third"]


def test_no_run_is_listed_where_there_is_no_directory(tmp_path):
    assert stored_runs(tmp_path / "absent") == []


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no run here"):
        load(tmp_path)


def test_a_damaged_manifest_is_refused(tmp_path):
    path = save(result(), tmp_path, extra={})
    (path / "manifest.json").write_text('{"format": 1')
    with pytest.raises(DataError, match=r"manifest\.json: damaged"):
        load(path)


def test_a_run_of_a_newer_format_is_refused(tmp_path):
    path = save(result(), tmp_path, extra={})
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(DataError, match="written in format 99, this finstrat reads 1"):
        load(path)


def test_a_run_without_its_orders_is_refused(tmp_path):
    path = save(result(), tmp_path, extra={})
    (path / "orders.parquet").unlink()
    with pytest.raises(DataError, match=r"orders\.parquet"):
        load(path)


@pytest.mark.parametrize("exchange", [True, False], ids=["names exchanged", "one name at a time"])
def test_a_newer_directory_takes_the_place_of_an_older_one(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(store, "_exchange", lambda first, second: False)
    for text in ("old", "new"):
        with directory_written_whole(tmp_path / "model", mark="card") as directory:
            (directory / "card").write_text(text)
            (directory / text).touch()
    assert {each.name for each in (tmp_path / "model").iterdir()} == {"card", "new"}
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two names at once")
def test_a_name_is_never_without_a_directory_while_it_is_replaced(tmp_path, monkeypatch):
    def untouched(self, target):
        pytest.fail(f"{self} was renamed to {target}, and nothing was there between")

    with directory_written_whole(tmp_path / "model", mark="card") as directory:
        (directory / "card").write_text("old")
    with directory_written_whole(tmp_path / "model", mark="card") as directory:
        (directory / "card").write_text("new")
        monkeypatch.setattr(type(tmp_path), "rename", untouched)
    assert (tmp_path / "model" / "card").read_text() == "new"


def test_directory_that_was_set_aside_by_a_killed_process_comes_back(tmp_path):
    aside = tmp_path / ".model.1234.old"
    aside.mkdir()
    (aside / "card").write_text("old")
    with pytest.raises(ZeroDivisionError), directory_written_whole(tmp_path / "model", mark="card"):
        1 / 0  # noqa: B018 - the writer fails
    assert (tmp_path / "model" / "card").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
