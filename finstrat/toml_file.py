"""TOML files that still know on which line each key stands, so that an error can point there.

The parser is the standard library's; only the search for a key's line is ours. Nothing here knows
what a backtest is.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from finstrat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic import ValidationError

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class TomlFile:
    """A parsed TOML file that still knows on which line a key stands."""

    shown_as: str
    text: str
    data: dict[str, Any]
    overrides: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, *, shown_as: str) -> TomlFile:
        """The file at `path`.

        Raises:
            ConfigError: it is not UTF-8 or not TOML.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{shown_as}: can't be read as UTF-8 text: {error}") from None
        return cls.parse(text, shown_as=shown_as)

    @classmethod
    def parse(cls, text: str, *, shown_as: str) -> TomlFile:
        """A file out of its text."""
        try:
            return cls(shown_as, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            at = f":{found[1]}:{found[2]}" if found else ""
            reason = str(error).split(" (at ")[0]
            raise ConfigError(f"{shown_as}{at}: {reason}") from None

    def with_assignments(self, assignments: Iterable[str]) -> TomlFile:
        """The same file with each `a.b=value` applied; a value that is no TOML is a string."""
        values = {}
        for assignment in assignments:
            path, sign, value = assignment.partition("=")
            if not sign or not all(key.strip() for key in path.split(".")):
                raise ConfigError(f"--set {assignment}: expected a.b=value")
            values[path.strip()] = _toml_value(value.strip())
        return self.with_values(values)

    def with_values(self, values: Mapping[str, Any]) -> TomlFile:
        """The same file with a value at each dotted key."""
        data = _copy(self.data)
        for path, value in values.items():
            *tables, last = [key.strip() for key in path.split(".")]
            table = data
            for key in tables:
                table = table.setdefault(key, {})
                if not isinstance(table, dict):
                    raise ConfigError(f"--set {path}: {key} is a value, not a table")
            table[last] = value
        return TomlFile(self.shown_as, self.text, data, (*self.overrides, *values))

    def where(self, key: Key) -> str:
        """Where the deepest written part of `key` stands, as "file:line"."""
        name = dotted(key)
        for path in self.overrides:
            if name == path or name.startswith(f"{path}."):
                return f"--set {path}"
        lines = _key_lines(self.text)
        names = tuple(str(part) for part in key)
        for depth in range(len(names), 0, -1):
            if names[:depth] in lines:
                return f"{self.shown_as}:{lines[names[:depth]]}"
        return self.shown_as

    def within(self, key: Key, text: str, offset: int) -> str:
        """Where the character at `offset` of the string `text` at `key` stands.

        "file:line:column"; for a string written in another way than it reads (on several lines,
        with escapes, by --set) the column is that of the string itself, and said to be.
        """
        found = re.fullmatch(re.escape(self.shown_as) + r":(\d+)", where := self.where(key))
        if found:
            line = self.text.splitlines()[int(found[1]) - 1]
            start = line.find(text, line.find("=") + 1)
            if text and start >= 0:
                return f"{where}:{start + offset + 1}"
        return f"{where}, column {offset + 1}"

    def mention(self, key: Key, word: str) -> str:
        """Where the strings at or below `key` first say `word`, else where `key` stands."""
        value: Any = self.data
        for part in key:
            value = value.get(part, {}) if isinstance(value, dict) else {}
        whole = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.])")
        strings = value if isinstance(value, dict) else {None: value}
        for name, text in strings.items():
            if isinstance(text, str) and (found := whole.search(text)):
                return self.within((*key, name) if name else key, text, found.start())
        return self.where(key)


def config_error(
    error: ValidationError, file: TomlFile, prefix: Key, model: type[BaseModel]
) -> ConfigError:
    """Every mistake pydantic found, one a line, each where it stands in the file."""
    lines = []
    for mistake in error.errors(include_url=False):
        key = (*prefix, *(part for part in mistake["loc"] if part != "function-after"))
        message = mistake["msg"]
        if mistake["type"] == "extra_forbidden":
            known = _fields_at(model, mistake["loc"][:-1])
            message = f'no such key "{key[-1]}"{did_you_mean(str(key[-1]), known)}'
        elif mistake["type"] == "missing":
            message = f'"{key[-1]}" is missing'
        elif "column" in mistake.get("ctx", {}):
            where = file.within(key, mistake["input"], mistake["ctx"]["column"])
            lines.append(f"{where}: {dotted(key)}: {message}")
            continue
        else:
            message = f"{message} (got {mistake['input']!r})"
        lines.append(f"{file.where(key)}: {dotted(key)}: {message}")
    return ConfigError("\n".join(lines))


def dotted(key: Key) -> str:
    """The key as one word, like "a.b.c"."""
    return ".".join(map(str, key))


def _copy(table: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(v) if isinstance(v, dict) else v for key, v in table.items()}


def _toml_value(text: str) -> Any:  # noqa: ANN401 - a TOML value is one of many types
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def toml_values(text: str) -> list[Any]:
    """The values of a list without its brackets; one that is no TOML is a string."""
    try:
        values: list[Any] = tomllib.loads(f"values = [{text}]")["values"]
    except tomllib.TOMLDecodeError:
        return [_toml_value(part.strip()) for part in text.split(",")]
    return values


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand at `path` below `model`."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def _key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every table header and key; enough of TOML to point at a mistake."""
    table: tuple[str, ...] = ()
    lines: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        # Only brackets to the line's end: a row of a multi-line array is no header.
        header = re.match(r"\s*\[{1,2}\s*([^\[\],#]+?)\s*\]{1,2}\s*(?:#.*)?$", line)
        key = re.match(r"\s*([A-Za-z0-9_.\"'-]+)\s*=", line)
        if header:
            table = _parts(header[1])
            lines.setdefault(table, number)
        elif key:
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
