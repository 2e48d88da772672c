"""Finds plugins, loads each by itself, and hands out their components by name.

A plugin that fails to load is recorded and warned about once; only a run that needs it stops, and
then it quotes the original error. The host never runs a component and never chooses between two of
one name: that is an error which names both providers.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from finstrat import hookspecs
from finstrat.components import KINDS, Component, Settings, base_of
from finstrat.errors import ConfigError, PluginError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    import typer

    from finstrat.store import RunInfo, RunResult

ENTRY_POINT_GROUP = "finstrat"
ALLOW_VARIABLE = "FINSTRAT_PLUGINS"
"""Environment variable: a comma-separated list of the only plugins to load."""

C = TypeVar("C", bound=Component)


class PluginWarning(UserWarning):
    """A plugin could not be used; whatever doesn't need it goes on."""


@dataclass(frozen=True)
class Provider:
    """Where a component comes from.

    `distribution` and `version` are those of the installed package, empty for a file of the
    project; `sha256` is that of the file which defines the component.
    """

    plugin: str
    distribution: str
    version: str
    file: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}" if self.distribution else self.file


@dataclass(frozen=True)
class Registered:
    """A component class and its provider."""

    component: type[Component]
    provider: Provider


@dataclass(frozen=True)
class Failure:
    """A plugin that could not be used, and the error in its own words."""

    plugin: str
    provider: str
    error: str

    def __str__(self) -> str:
        return f"plugin {self.plugin} ({self.provider}) was not loaded: {self.error}"


@dataclass(frozen=True)
class Host:
    """What was found, by base class and name."""

    components: dict[tuple[type[Component], str], list[Registered]]
    failures: list[Failure]
    manager: pluggy.PluginManager = field(repr=False)

    @classmethod
    def load(
        cls,
        directories: Sequence[Path] = (),
        *,
        blocked: Iterable[str] = (),
        root: Path | None = None,
    ) -> Host:
        """Every plugin from entry points and from the Python files in `directories`.

        `blocked` names plugins to leave out; the environment variable FINSTRAT_PLUGINS names the
        only ones to let in. `root` makes the recorded paths of local files relative.
        """
        manager = pluggy.PluginManager("finstrat")
        manager.add_hookspecs(hookspecs)
        host = cls({}, [], manager)
        allowed = _names(os.environ.get(ALLOW_VARIABLE))
        refused = set(blocked)

        def wanted(name: str) -> bool:
            return name not in refused and (allowed is None or name in allowed)

        entries = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        for entry in sorted(entries, key=lambda found: (found.name, found.value)):
            if wanted(entry.name):
                host._add_entry_point(entry)
        for directory in directories:
            if not directory.is_dir():
                raise ConfigError(f"plugins: no directory {directory}")
            for file in _plugin_files(directory):
                if wanted(_plugin_name(file)):
                    host._add_file(file, root=root or directory)
        for failure in host.failures:
            warnings.warn(str(failure), PluginWarning, stacklevel=2)
        return host

    def _add_entry_point(self, entry: importlib.metadata.EntryPoint) -> None:
        distribution = entry.dist.name if entry.dist else ""
        version = entry.dist.version if entry.dist else ""
        where = f"{distribution} {version}".strip() or entry.value
        try:
            module = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._fail(entry.name, where, error)
            return
        self._register(module, entry.name, distribution=distribution, version=version, root=None)

    def _add_file(self, file: Path, *, root: Path) -> None:
        name = _plugin_name(file)
        # A name of its own keeps two projects' files of one name apart, and off the import path.
        digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]
        full_name = f"finstrat_local_{digest}_{name}"
        spec = importlib.util.spec_from_file_location(full_name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full_name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            del sys.modules[full_name]
            self._fail(name, _relative(file, root), error, file=str(file))
            return
        self._register(module, name, distribution="", version="", root=root)

    def _register(
        self, module: ModuleType, name: str, *, distribution: str, version: str, root: Path | None
    ) -> None:
        """Register one plugin, check its hooks, and collect its components."""
        where = f"{distribution} {version}" if distribution else _relative(_file_of(module), root)
        try:
            if not inspect.ismodule(module):
                raise PluginError(f"its entry point is of type {type(module).__name__}, no module")
            _refuse_unmarked(module)
            # Two plugins may share a name; were the second refused for it, order would choose.
            self.manager.register(module, f"{name}:{module.__name__}")
            self.manager.check_pending()
            if not self.manager.get_hookcallers(module):
                raise PluginError("it implements none of finstrat's hooks")
            found = self._components_of(module)
            for component in found:
                _check_component(component)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            if self.manager.is_registered(module):
                self.manager.unregister(module)
            self._fail(name, where, error, file=getattr(module, "__file__", None))
            return
        for component in found:
            base = base_of(component)
            assert base is not None
            file = _file_of(component)
            provider = Provider(
                plugin=name,
                distribution=distribution,
                version=version,
                file=_relative(file, root) if root else f"{component.__module__}",
                sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            )
            self.components.setdefault((base, component.name), []).append(
                Registered(component, provider)
            )

    def _components_of(self, module: ModuleType) -> list[type[Component]]:
        """What this plugin alone provides; a generator ends here, where errors are caught."""
        found: list[type[Component]] = []
        for implementation in self.manager.hook.finstrat_components.get_hookimpls():
            if implementation.plugin is module:
                components: Any = implementation.function()
                found.extend(components)
        return found

    def _fail(
        self, plugin: str, where: str, error: BaseException, *, file: str | None = None
    ) -> None:
        self.failures.append(Failure(plugin, where, _told(error, file)))

    def get(self, base: type[C], name: str) -> Registered:
        """The component of this kind and name.

        Raises:
            ConfigError: there is none; the message quotes plugins that failed to load, since it may
                be in one of them.
            PluginError: two providers offer it.
        """
        found = self.components.get((base, name), [])
        if len(found) > 1:
            providers = " and ".join(str(each.provider) for each in found)
            raise PluginError(f'two plugins provide the {title(base)} "{name}": {providers}')
        if not found:
            hint = self._hint(base, name)
            failed = "".join(f"\n  {failure}" for failure in self.failures)
            raise ConfigError(f'no {title(base)} "{name}"{hint}{failed}')
        return found[0]

    def _hint(self, base: type[Component], name: str) -> str:
        known = {other: found for (kind, other), found in self.components.items() if kind is base}
        hint = did_you_mean(name, known)
        nearest = next((other for other in known if f'"{other}"?' in hint), None)
        if nearest is None:
            return hint
        return hint.removesuffix("?") + f" ({known[nearest][0].provider})?"

    def all(self, base: type[Component] | None = None) -> list[Registered]:
        """Every component, or those of one kind, ordered by kind and name."""
        order = {kind: i for i, kind in enumerate(KINDS)}
        keys = sorted(self.components, key=lambda key: (order[key[0]], key[1]))
        return [
            each for key in keys if base is None or key[0] is base for each in self.components[key]
        ]

    def add_commands(self, app: typer.Typer) -> None:
        """Let every plugin add its commands; one that fails is recorded and skipped."""
        self._call_each("finstrat_commands", app=app)

    def run_started(self, run: RunInfo) -> None:
        """Tell every plugin that a run begins."""
        self._call_each("finstrat_run_started", run=run)

    def run_finished(self, run: RunInfo, outcome: RunResult | Exception) -> None:
        """Tell every plugin that a run has ended."""
        self._call_each("finstrat_run_finished", run=run, outcome=outcome)

    def _call_each(self, hook: str, **arguments: Any) -> None:  # noqa: ANN401 - hooks differ
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        for implementation in caller.get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                plugin = implementation.plugin_name.partition(":")[0]
                file = getattr(implementation.plugin, "__file__", None)
                failure = Failure(plugin, hook, _told(error, file))
                if failure not in self.failures:
                    self.failures.append(failure)
                    warnings.warn(
                        f"plugin {plugin}: {hook} failed: {failure.error}",
                        PluginWarning,
                        stacklevel=3,
                    )


def title(base: type[Component]) -> str:
    """A kind of component in words: "signal", "market source", …"""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in base.__name__)
    return words.strip()


def _names(text: str | None) -> set[str] | None:
    """The names in a comma-separated list, or None where the variable isn't set."""
    return None if text is None else {name.strip() for name in text.split(",") if name.strip()}


def _plugin_files(directory: Path) -> list[Path]:
    """The plugins of a directory: Python files and packages not led by an underscore."""
    files = [path for path in directory.glob("*.py") if not path.name.startswith("_")]
    packages = [path for path in directory.glob("*/__init__.py") if path.parent.name[0] not in "._"]
    return sorted(files + packages)


def _plugin_name(file: Path) -> str:
    return file.parent.name if file.name == "__init__.py" else file.stem


def _told(error: BaseException, file: str | None) -> str:
    """The error in its own words, and the line of the plugin's `file` where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    at = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {error}{at}"


def _file_of(thing: ModuleType | type) -> Path:
    return Path(inspect.getfile(thing))


def _relative(file: Path, root: Path | None) -> str:
    """`file` as seen from `root`, so that no record depends on where a project lies."""
    if root is not None and file.resolve().is_relative_to(root.resolve()):
        return file.resolve().relative_to(root.resolve()).as_posix()
    return file.name


def _refuse_unmarked(module: ModuleType) -> None:
    """A hook without its decorator would be ignored in silence."""
    for name, value in vars(module).items():
        is_hook = name.startswith("finstrat_") and inspect.isfunction(value)
        if is_hook and value.__module__ == module.__name__ and not hasattr(value, "finstrat_impl"):
            raise PluginError(f"{name} is not decorated; write @finstrat.hookimpl above it")


def _check_component(given: Any) -> None:  # noqa: ANN401 - a plugin may give anything
    """Refuse a class that could not be used by name later on."""
    if not (inspect.isclass(given) and issubclass(given, Component) and base_of(given)):
        bases = ", ".join(base.__name__ for base in KINDS)
        raise PluginError(f"finstrat_components gave {given!r}, which extends none of {bases}")
    component: type[Component] = given
    extended = [base.__name__ for base in KINDS if issubclass(component, base)]
    if len(extended) > 1:
        raise PluginError(f"{component.__name__} extends {' and '.join(extended)}; choose one")
    abstract: frozenset[str] = getattr(component, "__abstractmethods__", frozenset())
    if abstract:
        raise PluginError(f"{component.__name__} does not define {', '.join(sorted(abstract))}")
    for attribute in ("name", "version"):
        if not isinstance(getattr(component, attribute, None), str):
            raise PluginError(f'{component.__name__} needs a class attribute {attribute} = "…"')
    if not issubclass(component.Config, Settings):
        raise PluginError(f"{component.__name__}.Config must extend finstrat.components.Settings")
