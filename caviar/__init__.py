"""What users import and type: `Client`, `load_model`, `export_onnx`, and the command `caviar`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.client import Client
    from caviar.errors import (
        CaviarError,
        ConflictError,
        InvalidError,
        NotFoundError,
        Problem,
        RefusedError,
        TrialLimitError,
        UnreachableError,
    )
    from caviar.records import Search, Trial
    from caviar.trainer.onnx_export import export_onnx
    from caviar.trainer.predict import load_model

__version__ = "0.1.0"
__all__ = [
    "CaviarError",
    "Client",
    "ConflictError",
    "InvalidError",
    "NotFoundError",
    "Problem",
    "RefusedError",
    "Search",
    "Trial",
    "TrialLimitError",
    "UnreachableError",
    "__version__",
    "export_onnx",
    "load_model",
]
_HOMES = {
    "Client": "caviar.client",
    "Search": "caviar.records",
    "Trial": "caviar.records",
    "export_onnx": "caviar.trainer.onnx_export",
    "load_model": "caviar.trainer.predict",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `caviar --help` must not wait for httpx."""
    if name not in __all__:
        raise AttributeError(f"module 'caviar' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "caviar.errors")), name)
