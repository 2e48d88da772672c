"""A project: the directory with `finstrat.toml`, and where its plugins, backtests and runs lie.

Without one, the packaged backtests are at hand, no directory is scanned for plugins, and runs go
to `./runs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from finstrat.components import Settings
from finstrat.errors import ConfigError, did_you_mean
from finstrat.toml_file import TomlFile, config_error

MARKER = "finstrat.toml"
STATE = ".finstrat"


class _Directories(Settings):
    """The `[project]` table of `finstrat.toml`; every directory is relative to that file."""

    name: str
    plugins: tuple[str, ...] = ()
    backtests: tuple[str, ...] = ("backtests",)
    runs: str = "runs"


@dataclass(frozen=True)
class Project:
    """Where things lie.

    Attributes:
        root: the directory that relative paths start from.
        plugins: directories scanned for plugins; only those that `finstrat.toml` lists.
        backtests: directories searched for a backtest by name, before the packaged ones.
        runs: where runs are written.
        state: the trial ledger and the score cache.
    """

    root: Path
    plugins: tuple[Path, ...]
    backtests: tuple[Path, ...]
    runs: Path
    state: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project that holds `start` (default: the current directory), else the bare one there.

        Raises:
            ConfigError: `finstrat.toml` can't be read.
        """
        here = (start or Path.cwd()).resolve()
        for directory in (here, *here.parents):
            if (directory / MARKER).is_file():
                return cls._read(directory)
        return cls(here, (), (), here / "runs", here / STATE)

    @classmethod
    def _read(cls, root: Path) -> Project:
        file = TomlFile.read(root / MARKER, shown_as=MARKER)
        table = file.data.get("project", {})
        try:
            listed = _Directories.model_validate(table)
        except ValidationError as error:
            raise config_error(error, file, ("project",), _Directories) from None
        return cls(
            root=root,
            plugins=tuple(root / name for name in listed.plugins),
            backtests=tuple(root / name for name in listed.backtests),
            runs=root / listed.runs,
            state=root / STATE,
        )

    def backtest(self, name: str) -> TomlFile:
        """The backtest file called `name`: a path, a name in the project, or a packaged one.

        Raises:
            ConfigError: there is none; the message names the nearest.
        """
        path = Path(name)
        if path.suffix == ".toml" or path.is_file():
            if not path.is_file():
                raise ConfigError(f"no backtest file {name}")
            return TomlFile.read(path, shown_as=name)
        for directory in self.backtests:
            found = directory / f"{name}.toml"
            if found.is_file():
                shown = found.relative_to(self.root) if found.is_relative_to(self.root) else found
                return TomlFile.read(found, shown_as=str(shown))
        packaged = _packaged()
        if name in packaged:
            return TomlFile.parse(packaged[name], shown_as=f"finstrat_backtests/{name}.toml")
        hint = did_you_mean(name, self.names())
        raise ConfigError(f'no backtest "{name}"{hint}')

    def names(self) -> list[str]:
        """The backtests that can be run by name."""
        own = {file.stem for folder in self.backtests for file in folder.glob("*.toml")}
        return sorted(own | set(_packaged()))


def _packaged() -> dict[str, str]:
    """The texts of the backtests that come with finstrat, by name."""
    folder = resources.files("finstrat_backtests")
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
