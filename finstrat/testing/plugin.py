"""The pytest plugin: fixtures for authors of components. Nothing heavy is imported at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from finstrat.host import Host
    from finstrat.project import Project
    from finstrat.testing.synthetic import SyntheticMarket
    from finstrat.validate.causality import World


@pytest.fixture
def project(pytestconfig: pytest.Config) -> Project:
    """The project that the tests belong to."""
    from finstrat.project import Project

    return Project.find(pytestconfig.rootpath)


@pytest.fixture
def host(project: Project) -> Host:
    """The installed plugins and those of the project."""
    from finstrat.host import Host

    return Host.load(project.plugins, root=project.root)


@pytest.fixture(scope="session")
def synthetic_market() -> SyntheticMarket:
    """A year of eight invented assets whose texts foretell the next session's return."""
    from finstrat.testing.synthetic import synthetic_market

    return synthetic_market()


@pytest.fixture(scope="session")
def real_market() -> World:
    """A year of real prices of twenty stocks, and real tweets where `finstrat[demo]` is there."""
    from finstrat.testing.real import real_market

    return real_market()
