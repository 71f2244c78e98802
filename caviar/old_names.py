"""The import names of before, `trainer` and `search`, for trainers that other people wrote."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

NAMES = ("trainer", "search")


def resolve_old_names() -> None:
    """Have `trainer` and `search` mean `caviar.trainer` and `caviar.search` in this process from now on.

    A package of such a name that is installed here goes first.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # first: else a module of ours would be loaded a second time


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a module of an old name, None for what is not ours."""
        top, dot, _ = fullname.partition(".")
        if top not in NAMES:
            return None
        new = f"caviar.{fullname}"
        if dot:
            ours = sys.modules.get(top) is sys.modules.get(f"caviar.{top}")
            return ModuleSpec(fullname, _Alias(new)) if ours else None
        if self._is_another_package(top):
            return None
        said = f"the package {top!r} is called {new!r} now: import it by that name"
        warnings.warn(said, DeprecationWarning, stacklevel=2)
        return ModuleSpec(fullname, _Alias(new), is_package=True)

    def _is_another_package(self, name: str) -> bool:
        """Return whether others find a package of this name, and in another folder than ours."""
        found = (other.find_spec(name, None) for other in sys.meta_path if other is not self)
        spec = next((one for one in found if one is not None), None)
        if spec is None:
            return False
        ours = {Path(place).resolve() for place in import_module(f"caviar.{name}").__path__}
        return not any(Path(place).resolve() in ours for place in spec.submodule_search_locations or ())


class _Alias(Loader):
    """Return the module of the new name, which is imported once, as it always is."""

    def __init__(self, new: str) -> None:
        self._new = new
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the module by its new name."""
        module = import_module(self._new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Put back what the import of the alias wrote over."""
        module.__spec__ = self._spec
