"""What leaves the research area, by the hash of what it says, and whether anybody approved it.

A document (targets, advice) is kept under its hash, so that nothing is approved that was lost. A
run, a model or any other file is what lies on disk, to the byte. Nothing here knows what the
documents mean.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finstrat.approvals import Approvals
from finstrat.errors import ConfigError, DataError
from finstrat.store import canonical_json, write_atomically

if TYPE_CHECKING:
    from finstrat.project import Project

SHOWN = 12
"""Characters of a hash that are shown; any beginning of at least six finds it."""


@dataclass(frozen=True)
class Artefact:
    """Something a person may decide on: what it is called, and the hash of what it says."""

    name: str
    sha256: str

    @property
    def id(self) -> str:
        """The beginning of the hash, as shown to people."""
        return self.sha256[:SHOWN]


def keep(content: dict[str, Any], *, project: Project) -> Artefact:
    """The artefact that `content` (its key `kind` says of what kind) is, kept under its hash."""
    data = canonical_json(content)
    sha256 = hashlib.sha256(data).hexdigest()
    folder = _folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{sha256}.json").is_file():
        write_atomically(folder / f"{sha256}.json", data)
    return Artefact(f"{content['kind']} {sha256[:SHOWN]}", sha256)


def as_json(content: dict[str, Any], artefact: Artefact, *, first: str) -> str:
    """A document as JSON, its standing on the first line."""
    body = canonical_json(content).decode().rstrip()
    told = json.dumps(first, ensure_ascii=False)
    return f'{{"approval": {told},\n"artefact": "{artefact.sha256}",\n"content": {body}\n}}\n'


def find(name: str, *, project: Project) -> Artefact:
    """The artefact called `name`: the hash of a document or its beginning, a path, or a run's id.

    Raises:
        ConfigError: there is none, or several documents begin so.
        DataError: a kept document is not what its name says.
    """
    if re.fullmatch(r"[0-9a-f]{6,64}", name):
        found = sorted(_folder(project).glob(f"{name}*.json"))
        if len(found) > 1:
            raise ConfigError(f"several documents begin with {name}; write more of the hash")
        if found:
            return _document(found[0])
    for path in (Path(name), project.runs / name):
        if path.exists():
            return Artefact(path.name or str(path), fingerprint(path))
    raise ConfigError(
        f'no artefact "{name}": expected the hash that targets and advice show on their first '
        "line, a path, or a run's id (`finstrat runs list`)"
    )


def fingerprint(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of all files of a directory.

    Files whose name begins with a dot don't count: they are unfinished or the system's.
    """
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(
        (each.relative_to(path).as_posix(), each)
        for each in path.rglob("*")
        if each.is_file() and not any(part[0] == "." for part in each.relative_to(path).parts)
    )
    if not files:
        raise DataError(f"{path}: no file to decide on")
    told = [[name, hashlib.sha256(each.read_bytes()).hexdigest()] for name, each in files]
    return hashlib.sha256(canonical_json(told)).hexdigest()


def standing(artefact: Artefact, *, project: Project) -> str:
    """Who approved an artefact, or that nobody did: its first line wherever it is shown.

    Raises:
        DataError: the log of approvals isn't in order, so that nothing can be said.
    """
    log = log_of(project)
    found = log.verify()
    if found.problems:
        raise DataError(
            f"the log of approvals is not in order: {found.problems[0]}; `finstrat log verify`"
        )
    entry = log.latest(artefact.sha256)
    if entry is None:
        return f"not approved · {artefact.name}"
    said = "approved" if entry.decision == "approved" else "not approved: rejected"
    return f"{said} by {entry.by} on {entry.at[:10]}: {entry.reason} · {artefact.name}"


def log_of(project: Project) -> Approvals:
    """The project's log of approvals."""
    return Approvals(project.state / "approvals.sqlite")


def _folder(project: Project) -> Path:
    return project.state / "artefacts"


def _document(file: Path) -> Artefact:
    data = file.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != file.stem:
        raise DataError(f"{file}: changed since it was written; make it anew")
    return Artefact(f"{json.loads(data)['kind']} {sha256[:SHOWN]}", sha256)
