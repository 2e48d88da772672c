import pytest

import finstrat
from finstrat.components import Optimizer, Signal
from finstrat.errors import ConfigError, PluginError
from finstrat.host import Host, PluginWarning

SIGNAL = """
import finstrat
from finstrat.components import Signal

class Mine(Signal):
    name, version = "{name}", "1"
    def compute(self, inputs):
        return inputs.prices("close")

@finstrat.hookimpl
def finstrat_components():
    yield Mine
    {after}
"""


def write(directory, file, *, name="mine", after=""):
    directory.mkdir(exist_ok=True)
    (directory / file).write_text(SIGNAL.format(name=name, after=after))


def test_component_of_a_directory_is_found_with_its_provenance(tmp_path):
    write(tmp_path / "plugins", "own.py")
    found = Host.load([tmp_path / "plugins"], root=tmp_path).get(Signal, "mine")
    assert found.component.name == "mine"
    assert found.provider.file == "plugins/own.py"
    assert len(found.provider.sha256) == 64


def test_bundled_component_names_its_distribution(host):
    provider = host.get(Optimizer, "equal").provider
    assert (provider.distribution, provider.version) == ("finstrat", finstrat.__version__)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import finstrat\n@finstrat.hookimpl\ndef finstrat_componets(): return []", "componets"),
        ("def finstrat_components(): return []", "not decorated"),
        ("x = 1", "none of finstrat's hooks"),
        (SIGNAL.format(name="half", after="raise ValueError('halfway')"), "halfway"),
    ],
)
def test_broken_plugin_is_isolated_and_warned_about(tmp_path, code, told):
    (tmp_path / "bad.py").write_text(code)
    write(tmp_path, "good.py")
    with pytest.warns(PluginWarning, match="plugin bad"):
        host = Host.load([tmp_path])
    assert [failure.plugin for failure in host.failures] == ["bad"]
    assert told in host.failures[0].error
    assert host.get(Signal, "mine").provider.plugin == "good"


def test_error_about_a_missing_component_quotes_the_failed_plugin(tmp_path):
    (tmp_path / "bad.py").write_text("raise RuntimeError('no licence')")
    with pytest.warns(PluginWarning):
        host = Host.load([tmp_path])
    with pytest.raises(ConfigError, match="RuntimeError: no licence"):
        host.get(Signal, "mine")


def test_two_components_of_one_name_are_an_error_that_names_both(tmp_path):
    write(tmp_path, "one.py")
    write(tmp_path, "two.py")
    with pytest.raises(PluginError, match=r"one\.py and two\.py"):
        Host.load([tmp_path]).get(Signal, "mine")


def test_blocked_plugin_is_left_out(tmp_path):
    write(tmp_path, "own.py")
    host = Host.load([tmp_path], blocked=["own"])
    with pytest.raises(ConfigError, match='no signal "mine"'):
        host.get(Signal, "mine")


def test_environment_names_the_only_plugins(tmp_path, monkeypatch):
    write(tmp_path, "own.py")
    monkeypatch.setenv("FINSTRAT_PLUGINS", "own")
    assert {each.provider.plugin for each in Host.load([tmp_path]).all()} == {"own"}


def test_unknown_name_gets_the_nearest_one_and_its_provider(host):
    with pytest.raises(ConfigError, match=r'did you mean "momentum" \(finstrat 0\.1\.0\)\?'):
        host.get(Signal, "momentun")
