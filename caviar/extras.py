"""What an installation of the client alone lacks, and which extra of pyproject.toml brings it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import requires
from importlib.util import find_spec

from caviar.errors import CaviarError

SERVER = "server"  # the server, its agents, and what trains on this machine
_IMPORTED_AS = {"pyyaml": "yaml", "scikit-learn": "sklearn"}  # others: as they are called, - as _


class MissingPackageError(CaviarError, ModuleNotFoundError):
    """A package is missing here that only an extra brings."""


def packages(extra: str) -> list[str]:
    """Return the packages that an extra brings, by the names that they are imported by."""
    ours = [line for line in requires("caviar") or () if re.search(rf"extra == ['\"]{extra}['\"]", line)]
    called = [re.match(r"[\w.-]+", line)[0].lower() for line in ours]  # type: ignore[index]
    return [_IMPORTED_AS.get(name, name.replace("-", "_")) for name in called]


def require(extra: str) -> None:
    """Raise MissingPackageError unless all packages of an extra are installed."""
    for package in packages(extra):
        if find_spec(package) is None:
            raise _lacking(package, extra)


@contextmanager
def of_extra(extra: str) -> Iterator[None]:
    """Raise MissingPackageError for a package of an extra that an import within does not find."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in packages(extra):
            raise _lacking(package, extra) from error
        raise


def _lacking(package: str, extra: str) -> MissingPackageError:
    return MissingPackageError(f"The package {package} is not installed here: pip install 'caviar[{extra}]'")
