"""The examples of examples/frameworks, as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "frameworks"


def loaded(name: str) -> ModuleType:
    """Import an example, by its name without the suffix."""
    place = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert place is not None and place.loader is not None
    example = importlib.util.module_from_spec(place)
    place.loader.exec_module(example)
    return example
