"""A signal that fails says which plugin, version and file it is; the run's directory keeps why."""

import json

import pytest

SIGNAL = """
import torch

import finstrat
from finstrat.components import Signal


class Mine(Signal):
    \"\"\"Fails in one way or another.\"\"\"

    name = "mine"
    version = "9"
    needs = {needs}

    def compute(self, inputs):
        {body}


@finstrat.hookimpl
def finstrat_components():
    return [Mine]
"""

ORIGIN = '("mine" version 9, plugin mine: plugins/mine.py)'

WAYS = {
    "raises": (
        ("close",),
        "return 1 / 0",
        1,
        "it raised ZeroDivisionError: division by zero, line 16",
    ),
    "no tensor": (("close",), "return None", 1, "gave a NoneType; expected a torch.Tensor"),
    "shape": (
        ("close",),
        "return inputs.prices()[:, :1]",
        1,
        'gave shape (61, 1); scope "asset" with 1 output means (61, 3, 1)',
    ),
    "dtype": (
        ("close",),
        "return inputs.prices().float()",
        1,
        "gave torch.float32; features are torch.float64: add .double()",
    ),
    "device": (
        ("close",),
        'return torch.zeros(inputs.shape, dtype=torch.float64, device="meta")',
        1,
        "gave a tensor on meta; this run computes on cpu",
    ),
    "infinite": (
        ("close",),
        "return inputs.prices() / 0",
        1,
        "gave an infinity on 2024-01-02; use NaN for unknown",
    ),
    "unknown": (
        ("close",),
        "return inputs.prices() * torch.nan",
        1,
        "unknown (NaN) at all 61 sessions, of which its warm-up takes 0; look at what it reads",
    ),
    "needs a field": (
        ("volume",),
        "return inputs.prices()",
        3,
        'the price source has no field "volume"',
    ),
    "takes a field": (
        ("close",),
        'return inputs.prices("volume")',
        3,
        'the price source has no field "volume"',
    ),
}


@pytest.fixture
def failing(project):
    """Writes the signal and says how to run it in place of the project's own."""

    def write(needs, body):
        text = SIGNAL.format(needs=needs, body=body)
        (project / "plugins" / "mine.py").write_text(text)
        span = "span.start=2024-01-02"
        cut = ("signals.mine.use=mine", "strategy.signal=mine.value", span)
        return [each for assignment in cut for each in ("--set", assignment)]

    return write


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_signal_is_named_in_one_message_and_kept(refused, project, failing, way):
    needs, body, code, reason = WAYS[way]
    said = refused(code, "run", "small", "--device", "cpu", *failing(needs, body))
    [message, note] = [line for line in said.splitlines() if "━" not in line and line.strip()]
    assert message.startswith("error: signals.mine: ")
    assert reason in message
    assert message.endswith(ORIGIN)
    [kept] = (project / "runs").glob("*/stopped.json")
    assert note == f"the reason is kept in {kept.relative_to(project)}"
    record = json.loads(kept.read_text())
    assert f"error: {record['reason']}" == message
    assert record["component"] == "signals.mine"
    assert record["exit_code"] == code
    assert record["config"]["signals"]["mine"]["use"] == "mine"


def test_a_signal_that_fails_at_import_is_quoted_before_anything_runs(finstrat, project):
    (project / "plugins" / "mine.py").write_text(
        "import finstrat\n\nraise RuntimeError('no luck')\n"
    )
    with pytest.warns(UserWarning, match="was not loaded"):
        ended = finstrat("run", "small", "--set", "signals.mine.use=mine")
    assert ended.code == 2
    assert 'no signal "mine"' in ended.err
    failure = "plugin mine (plugins/mine.py) was not loaded: RuntimeError: no luck (line 3)"
    assert failure in ended.err
    assert not (project / "runs").exists()


def test_a_stopped_run_is_no_result_but_says_why(finstrat, refused, project, failing):
    refused(1, "run", "small", *failing(("close",), "return 1 / 0"))
    assert finstrat("runs", "list").out == "no run yet; `finstrat run momentum` makes one\n"
    [directory] = [path.parent for path in (project / "runs").glob("*/stopped.json")]
    said = refused(3, "runs", "show", directory.name)
    assert f"{directory.name} stopped before its end: signals.mine: it raised" in said


def test_a_strategy_or_source_that_raises_is_named_too(refused, project):
    (project / "plugins" / "other.py").write_text(
        "import finstrat\nfrom finstrat.components import MarketSource, Strategy\n\n\n"
        "class Torn(Strategy):\n    name = 'torn'\n    version = '2'\n\n"
        "    def decide(self, inputs):\n        raise KeyError('x')\n\n\n"
        "class Dry(MarketSource):\n    name = 'dry'\n    version = '3'\n\n"
        "    def load(self, universe, span):\n        raise OSError('gone')\n\n\n"
        "@finstrat.hookimpl\ndef finstrat_components():\n    return [Torn, Dry]\n"
    )
    (project / "backtests" / "torn.toml").write_text(
        (project / "backtests" / "small.toml")
        .read_text()
        .replace(
            'use = "top-k"\nsignal = "momentum.value"\nk = 1\nrebalance = "weekly"', 'use = "torn"'
        )
    )
    said = refused(1, "run", "torn")
    assert "error: strategy: it raised KeyError: 'x', line 10 (\"torn\" version 2" in said
    text = (project / "backtests" / "torn.toml").read_text()
    text = text.replace('use = "files-prices"\npath = "prices.csv"', 'use = "dry"')
    (project / "backtests" / "torn.toml").write_text(text)
    said = refused(1, "run", "torn")
    assert 'error: prices: it raised OSError: gone, line 18 ("dry" version 3' in said
