"""Whatever a component raises in a run, told with the plugin, version and file it comes from.

A person who reads the message alone must be able to find the line. It doesn't repair or retry.
"""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING

from finstrat.errors import FinstratError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from finstrat.config import Plan


@contextlib.contextmanager
def told_of(plan: Plan, key: str) -> Iterator[None]:
    """Whatever is raised within names the component that the configuration calls `key`.

    An error of finstrat's own family keeps its class and exit code; anything else becomes a
    `PluginError` which quotes it, with the line of the component's file. One that names a component
    already, like the scorer that a signal called, is left alone.

    Raises:
        FinstratError: for any exception within.
    """
    provider = plan.components.get(key)
    if provider is None:
        yield
        return
    try:
        yield
    except FinstratError as error:
        if error.component is not None:
            raise
        said = str(error).removeprefix(f"{key}: ")
        raise _naming(type(error)(f"{key}: {said} ({_origin(provider)})"), key) from error
    except Exception as error:
        line = _line(error, provider["file"])
        said = f"it raised {type(error).__name__}: {error}{line}"
        raise _naming(PluginError(f"{key}: {said} ({_origin(provider)})"), key) from error


def _naming(error: FinstratError, key: str) -> FinstratError:
    error.component = key
    return error


def _origin(provider: Mapping[str, str]) -> str:
    """The plugin, version and file of a component, in words."""
    installed = f"{provider['distribution']} {provider['distribution_version']}, ".lstrip()
    distribution = installed if provider["distribution"] else ""
    return (
        f'"{provider["name"]}" version {provider["version"]}, plugin {provider["plugin"]}: '
        f"{distribution}{provider['file']}"
    )


def _line(error: Exception, file: str) -> str:
    """The last line of the component's own file that the error came through."""
    path = file if file.endswith(".py") else file.replace(".", "/") + ".py"
    ending = path.removeprefix("finstrat_plugins/").removeprefix("finstrat_strategies/")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.endswith(f"/{ending}")]
    return f", line {lines[-1]}" if lines else ""
