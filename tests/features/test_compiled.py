"""Where machine code is kept, and that threads, forks and read-only homes do no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import finstrat
from finstrat import features
from finstrat.features import compiled

MEAN = """
import torch
from finstrat import features
from finstrat.features.kernels import moments
x = torch.arange(12, dtype=torch.float64).view(4, 3)
print(features.rolling_mean(x, 2)[1].tolist())
print(sum(moments.sums.stats.cache_hits.values()), sum(moments.sums.stats.cache_misses.values()))
"""


def python(code: str, folder: Path, **environment: str) -> list[str]:
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | environment
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX paths")
def test_second_process_compiles_nothing_though_the_home_cannot_be_written(tmp_path):
    nowhere = {"HOME": "/dev/null/home", "XDG_CACHE_HOME": "/dev/null/cache"}
    first = python(MEAN, tmp_path, TMPDIR=str(tmp_path), **nowhere)
    second = python(MEAN, tmp_path, TMPDIR=str(tmp_path), **nowhere)
    assert first == ["[1.5, 2.5, 3.5]", "0 1"]
    assert second == ["[1.5, 2.5, 3.5]", "1 0"]


def test_cached_kernel_does_not_outlive_its_code(tmp_path):
    package = tmp_path / "finstrat"
    # Python keeps bytecode by size and time, which stay the same below: leave it none.
    shutil.copytree(
        Path(finstrat.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    where = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(tmp_path),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    assert python(MEAN, tmp_path, **where)[0] == "[1.5, 2.5, 3.5]"
    kernel = package / "features" / "kernels" / "moments.py"
    stamp = kernel.stat()
    changed = kernel.read_text().replace("else 1.0 / k", "else 2.0 / k")
    kernel.write_text(changed)
    # Same size, same time: what numba itself goes by has not changed.
    os.utime(kernel, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert kernel.stat().st_size == stamp.st_size
    assert python(MEAN, tmp_path, **where) == ["[3.0, 5.0, 7.0]", "0 1"]


def test_cached_kernel_does_not_outlive_a_constant_of_another_file(tmp_path):
    package = tmp_path / "finstrat"
    shutil.copytree(
        Path(finstrat.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    where = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(tmp_path),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    assert python(MEAN, tmp_path, **where)[1] == "0 1"
    assert python(MEAN, tmp_path, **where)[1] == "1 0"
    other = package / "features" / "compiled.py"
    other.write_text(other.read_text().replace("LANE = WIDEST + 8", "LANE = WIDEST + 16"))
    assert python(MEAN, tmp_path, **where)[1] == "0 1"


def test_given_cache_directory_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiled.cache_directory.cache_clear()
    try:
        assert compiled.cache_directory().parent == tmp_path
    finally:
        compiled.cache_directory.cache_clear()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")
def test_machine_code_is_not_loaded_from_where_others_may_write(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled.tempfile, "tempdir", str(tmp_path))
    private = compiled._temporary("abc")
    assert private == compiled._temporary("abc")
    private.chmod(0o777)
    assert compiled._temporary("abc") != private


def test_many_threads_may_compute_at_once():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 600)))
    expected = features.rolling_std(x, 9)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: features.rolling_std(x, 9), range(12)):
            assert_array_equal(found, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_computes_too(tmp_path):
    code = """
import os, signal, torch
from finstrat import features
torch.set_num_threads(2)
x = torch.ones(300, 600, dtype=torch.float64)
features.rolling_mean(x, 5)
child = os.fork()
signal.alarm(60)
if child == 0:
    # NumPy looks at the result: torch's own threads don't survive a fork.
    os._exit(0 if (features.rolling_mean(x, 5).numpy()[4:] == 1).all() else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(code, tmp_path) == ["0"]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [1, 7, 64, 65, 1000, 5000])
def test_groups_cover_every_column_once(count, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    seen = np.zeros(count, dtype=int)

    def work(start, stop):
        assert stop - start <= compiled.WIDEST
        seen[start:stop] += 1

    compiled.over_groups(work, count, size=count * 1000, in_flight=21)
    assert_array_equal(seen, 1)


def test_failure_in_a_group_is_not_swallowed():
    def work(start, stop):
        raise ValueError(start)

    with pytest.raises(ValueError, match="0"):
        compiled.over_groups(work, 1000, size=1 << 20)
