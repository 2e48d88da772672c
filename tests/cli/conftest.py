import json
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from finstrat.cli import app


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def finstrat():
    """Runs a command in this process; an exception it doesn't explain fails the test."""

    def run(*arguments):
        result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="finstrat")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def refused(finstrat):
    """Runs a command that must end with this exit code; what it wrote on standard error."""

    def run(code, *arguments):
        ended = finstrat(*arguments)
        assert ended.code == code, ended
        assert ended.out == ""
        assert "Traceback" not in ended.err
        return ended.err

    return run
