import ast
import hashlib
import importlib.metadata
import sys
import types
from pathlib import Path

import pytest

import finstrat
from finstrat.components import KINDS, MarketSource, Signal, Strategy, TextSource, base_of
from finstrat.errors import ConfigError, PluginError
from finstrat.host import Host, PluginWarning
from finstrat.store import RunInfo

BUNDLED = ("bundled", "strategies")

SIGNAL = """
class {cls}(Signal):
    name = "{name}"
    version = "3"

    def compute(self, inputs):
        return inputs.prices()
"""


def load_only(*directories, **options):
    """A host with the plugins of these directories alone."""
    return Host.load(directories, blocked=BUNDLED, **options)


def names(host):
    return sorted(each.component.name for each in host.all())


def test_a_component_is_found_in_a_directory_by_kind_and_name(plugin):
    host = load_only(plugin("p/mine.py", SIGNAL.format(cls="Mine", name="mine"), hook=["Mine"]))
    assert names(host) == ["mine"]
    assert host.get(Signal, "mine").component.version == "3"
    with pytest.raises(ConfigError, match='no strategy "mine"'):
        host.get(Strategy, "mine")


def test_a_package_is_a_plugin_and_may_import_its_own_files(plugin):
    plugin("p/whole/part.py", SIGNAL.format(cls="Mine", name="mine"))
    plugin("p/whole/__init__.py", "from .part import Mine", hook=["Mine"])
    host = load_only(plugin("p/_helper.py", "raise RuntimeError('a helper is no plugin')"))
    assert names(host) == ["mine"]
    assert host.get(Signal, "mine").provider.file == "whole/part.py"


def test_bundled_components_come_by_entry_point():
    host = Host.load()
    assert host.failures == []
    provider = host.get(Signal, "momentum").provider
    assert (provider.plugin, provider.distribution) == ("bundled", "finstrat")
    assert provider.version == importlib.metadata.version("finstrat")
    assert provider.file == "finstrat_plugins.signals.momentum"
    assert host.get(Strategy, "top-k").provider.plugin == "strategies"


def test_components_are_listed_by_kind_and_name():
    found = [(KINDS.index(base), name) for base, name in _keys(Host.load())]
    assert found == sorted(found)
    assert len(found) > 20


def _keys(host):
    return [(base_of(each.component), each.component.name) for each in host.all()]


def test_every_bundled_component_is_imported_by_a_test():
    imported = {
        f"{node.module}.{alias.name}"
        for file in Path(__file__).parent.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    bundled = {
        f"{each.component.__module__}.{each.component.__name__}" for each in Host.load().all()
    }
    assert sorted(bundled - imported) == []


BROKEN = {
    "raises at import": (
        "x = 1\n\nraise RuntimeError('out of ideas')",
        "RuntimeError: out of ideas",
    ),
    "is no Python": ("def half(:\n", "SyntaxError: "),
    "exits": ("import sys\nsys.exit(7)", "SystemExit: 7"),
    "implements nothing": ("x = 1", "it implements none of finstrat's hooks"),
    "misspells a hook": (
        "@finstrat.hookimpl\ndef finstrat_component():\n    return []",
        "PluginValidationError: unknown hook 'finstrat_component'",
    ),
    "forgets the decorator": (
        "def finstrat_components():\n    return []",
        "finstrat_components is not decorated; write @finstrat.hookimpl above it",
    ),
    "asks for an argument there is none of": (
        "@finstrat.hookimpl\ndef finstrat_run_started(walk):\n    pass",
        "PluginValidationError: ",
    ),
    "stops halfway": (
        "@finstrat.hookimpl\ndef finstrat_components():\n"
        "    yield type('Fine', (Section,), {'name': 'f', 'version': '1', 'build': None})\n"
        "    raise KeyError('second')",
        "KeyError: 'second' (line 6)",
    ),
    "gives no class": (
        "@finstrat.hookimpl\ndef finstrat_components():\n    return ['momentum']",
        "gave 'momentum', which extends none of MarketSource, ",
    ),
    "gives None": (
        "@finstrat.hookimpl\ndef finstrat_components():\n    pass",
        "'NoneType' object is not iterable",
    ),
}


@pytest.mark.parametrize(("source", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_plugin_that_fails_is_left_out_and_warned_about_once(plugin, source, said):
    plugin("p/good.py", SIGNAL.format(cls="Good", name="good"), hook=["Good"])
    directory = plugin("p/bad.py", source)
    with pytest.warns(PluginWarning) as warned:
        host = load_only(directory, root=directory.parent)
    assert len(warned) == 1
    assert str(warned[0].message).startswith("plugin bad (p/bad.py) was not loaded: ")
    assert said in str(warned[0].message)
    assert names(host) == ["good"]
    assert [(failure.plugin, failure.provider) for failure in host.failures] == [
        ("bad", "p/bad.py")
    ]


UNUSABLE = {
    "abstract": (
        "class Half(Signal):\n    name = version = 'half'",
        "Half does not define compute",
    ),
    "nameless": (
        "class Half(Signal):\n    version = '1'\n    def compute(self, inputs): ...",
        'Half needs a class attribute name = "…"',
    ),
    "unversioned": (
        "class Half(Signal):\n    name = 'half'\n    def compute(self, inputs): ...",
        'Half needs a class attribute version = "…"',
    ),
    "of two kinds": (
        "class Half(MarketSource, TextSource):\n    name = version = 'half'\n"
        "    def load(self, universe, span): ...",
        "Half extends MarketSource and TextSource; choose one",
    ),
    "of no kind": (
        "class Half(Component):\n    name = version = 'half'",
        "which extends none of MarketSource",
    ),
    "with loose options": (
        "class Half(Signal):\n    name = version = 'half'\n    class Config: pass\n"
        "    def compute(self, inputs): ...",
        "Half.Config must extend finstrat.components.Settings",
    ),
}


@pytest.mark.parametrize(("source", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_component_that_could_not_be_used_is_refused_at_load(plugin, source, said):
    with pytest.warns(PluginWarning) as warned:
        host = load_only(plugin("p/bad.py", source, hook=["Half"]))
    assert said in str(warned[0].message)
    assert names(host) == []


def test_a_run_that_needs_a_failed_plugin_quotes_its_error(plugin):
    directory = plugin("p/mine.py", "raise RuntimeError('no licence key')", hook=["Mine"])
    with pytest.warns(PluginWarning):
        host = load_only(directory)
    with pytest.raises(ConfigError) as caught:
        host.get(Signal, "mine")
    assert str(caught.value).startswith('no signal "mine"')
    assert "plugin mine (mine.py) was not loaded: RuntimeError: no licence key (line 3)" in str(
        caught.value
    )


def test_one_name_twice_is_an_error_that_names_both_providers(plugin):
    source = SIGNAL.format(cls="Momentum", name="momentum")
    directory = plugin("p/mine.py", source, hook=["Momentum"])
    host = Host.load([directory], root=directory.parent)
    with pytest.raises(PluginError) as caught:
        host.get(Signal, "momentum")
    finstrat_itself = f"finstrat {finstrat.__version__}"
    assert str(caught.value) == (
        f'two plugins provide the signal "momentum": {finstrat_itself} and p/mine.py'
    )


def test_one_name_in_two_kinds_is_none_of_that(plugin):
    source = """
    class Prices(MarketSource):
        name = version = "house"
        def load(self, universe, span): ...

    class Texts(TextSource):
        name = version = "house"
        def load(self, universe, span): ...
    """
    host = load_only(plugin("p/mine.py", source, hook=["Prices", "Texts"]))
    assert host.get(MarketSource, "house").component.__name__ == "Prices"
    assert host.get(TextSource, "house").component.__name__ == "Texts"


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_order_of_directories_never_chooses(plugin, order):
    directories = {
        "a": plugin("a/mine.py", SIGNAL.format(cls="One", name="one"), hook=["One"]),
        "b": plugin("b/mine.py", SIGNAL.format(cls="Two", name="two"), hook=["Two"]),
    }
    plugin("a/same.py", SIGNAL.format(cls="Same", name="same"), hook=["Same"])
    plugin("b/same.py", SIGNAL.format(cls="Same", name="same"), hook=["Same"])
    host = load_only(*(directories[each] for each in order), root=directories["a"].parent)
    assert host.failures == []
    assert host.get(Signal, "one").provider.file == "a/mine.py"
    assert host.get(Signal, "two").provider.file == "b/mine.py"
    with pytest.raises(PluginError, match='two plugins provide the signal "same"'):
        host.get(Signal, "same")


def test_a_plugin_can_be_left_out(plugin):
    plugin("p/one.py", SIGNAL.format(cls="One", name="one"), hook=["One"])
    directory = plugin("p/two.py", SIGNAL.format(cls="Two", name="two"), hook=["Two"])
    assert names(Host.load([directory], blocked=[*BUNDLED, "one"])) == ["two"]


def test_the_environment_can_name_the_only_plugins(plugin, monkeypatch):
    plugin("p/one.py", SIGNAL.format(cls="One", name="one"), hook=["One"])
    directory = plugin("p/two.py", SIGNAL.format(cls="Two", name="two"), hook=["Two"])
    monkeypatch.setenv("FINSTRAT_PLUGINS", " two, absent ")
    assert names(Host.load([directory])) == ["two"]
    monkeypatch.setenv("FINSTRAT_PLUGINS", "")
    assert names(Host.load([directory])) == []


def test_a_plugin_left_out_is_not_even_imported(plugin):
    directory = plugin("p/bad.py", "raise RuntimeError('imported')")
    assert Host.load([directory], blocked=[*BUNDLED, "bad"]).failures == []


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="plugins: no directory .*absent"):
        load_only(tmp_path / "absent")


def test_provenance_holds_the_file_relative_to_the_project_and_its_hash(plugin):
    directory = plugin("p/mine.py", SIGNAL.format(cls="Mine", name="mine"), hook=["Mine"])
    provider = load_only(directory, root=directory.parent).get(Signal, "mine").provider
    assert provider.file == "p/mine.py"
    assert provider.sha256 == hashlib.sha256((directory / "mine.py").read_bytes()).hexdigest()
    assert (provider.plugin, provider.distribution, provider.version) == ("mine", "", "")


def test_provenance_never_holds_where_a_foreign_directory_lies(plugin, tmp_path):
    directory = plugin("p/mine.py", SIGNAL.format(cls="Mine", name="mine"), hook=["Mine"])
    provider = load_only(directory, root=tmp_path / "elsewhere").get(Signal, "mine").provider
    assert provider.file == "mine.py"


@pytest.fixture
def entry_point(tmp_path, monkeypatch):
    """Installs a distribution with one entry point, on the import path."""

    def install(value, source):
        (tmp_path / "site" / "acme_signals-2.5.dist-info").mkdir(parents=True)
        info = tmp_path / "site" / "acme_signals-2.5.dist-info"
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-signals\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[finstrat]\nacme = {value}\n")
        (tmp_path / "site" / "acme_signals.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.delitem(sys.modules, "acme_signals", raising=False)

    return install


def test_an_installed_plugin_is_known_by_its_distribution(entry_point):
    head = "import finstrat\nfrom finstrat.components import *\n"
    hook = "\n@finstrat.hookimpl\ndef finstrat_components():\n    yield Mine\n"
    entry_point("acme_signals", head + SIGNAL.format(cls="Mine", name="mine") + hook)
    provider = load_only().get(Signal, "mine").provider
    assert str(provider) == "acme-signals 2.5"
    assert provider.file == "acme_signals"


@pytest.mark.parametrize(
    ("value", "source", "said"),
    [
        ("acme_signals", "import a_package_nobody_has", "ModuleNotFoundError: "),
        ("acme_signals:absent", "", "AttributeError: "),
        ("acme_signals:thing", "thing = 3", "its entry point is of type int, no module"),
    ],
)
def test_an_installed_plugin_that_fails_is_left_out(entry_point, value, source, said):
    entry_point(value, source)
    with pytest.warns(PluginWarning, match=r"plugin acme \(acme-signals 2\.5\) was not") as warned:
        host = load_only()
    assert said in str(warned[0].message)
    assert host.all() == []


HOOKS = """
heard = []

@finstrat.hookimpl
def finstrat_run_started(run):
    heard.append(("started", run.name))

@finstrat.hookimpl
def finstrat_run_finished(outcome):
    heard.append(("finished", outcome))
"""


def heard(host, name):
    [module] = [each for each in host.manager.get_plugins() if hasattr(each, "heard")]
    assert isinstance(module, types.ModuleType)
    assert Path(module.__file__).stem == name
    return module.heard


def test_a_hook_that_fails_is_warned_about_once_and_others_still_run(plugin):
    plugin("p/listens.py", HOOKS)
    directory = plugin("p/shouts.py", HOOKS.replace('heard.append(("started", run.name))', "1 / 0"))
    (directory / "shouts.py").write_text(
        (directory / "shouts.py").read_text().replace("heard", "said")
    )
    host = load_only(directory)
    with pytest.warns(PluginWarning) as warned:
        host.run_started(RunInfo("demo", {}))
        host.run_started(RunInfo("again", {}))
    assert len(warned) == 1
    assert str(warned[0].message).startswith(
        "plugin shouts: finstrat_run_started failed: ZeroDivisionError: division by zero (line "
    )
    assert heard(host, "listens") == [("started", "demo"), ("started", "again")]


def test_the_end_of_a_run_is_told_with_its_error(plugin):
    host = load_only(plugin("p/listens.py", HOOKS))
    error = RuntimeError("no luck")
    host.run_finished(RunInfo("demo", {}), error)
    assert heard(host, "listens") == [("finished", error)]
