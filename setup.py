"""List every package, so that a new sub-package can't silently vanish from the wheel."""

from setuptools import find_packages, setup

FOLDERS = {
    "finstrat": "finstrat",
    "finstrat_plugins": "plugins",
    "finstrat_strategies": "strategies",
    "finstrat_backtests": "backtests",
}

setup(
    packages=[
        package
        for name, folder in FOLDERS.items()
        for package in (name, *(f"{name}.{sub}" for sub in find_packages(folder)))
    ]
)
