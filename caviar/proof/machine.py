"""What results depend on besides the search: the code, the versions of what it uses, and the processor."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import caviar

COUNTED = ("numpy", "scipy", "numba", "llvmlite", "optuna", "cmaes", "torch")
_SOURCES = ("search", "trainer", "proof")
_MODULES = ("trial_settings.py", "trainers.py")


@cache
def code() -> dict[str, Any]:
    """Return a digest of the source that proposes and trains, and the versions of the packages it uses."""
    hashed = sha256()
    folder = Path(caviar.__file__).parent
    for name, path in _files(folder):
        hashed.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    versions = {name: found for name in COUNTED if (found := _version(name))}
    return {"caviar": caviar.__version__, "source": f"sha256:{hashed.hexdigest()}", **versions}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for part in _SOURCES:
        base = folder / part
        yield from ((f"{part}/{one.relative_to(base)}", one) for one in sorted(base.rglob("*.py")))
    yield from ((name, folder / name) for name in _MODULES)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def machine() -> dict[str, Any]:
    """Return what of this machine may change the last bits of a training."""
    from llvmlite import binding

    from caviar.trainer.kernels.host import TILING

    features = binding.get_host_cpu_features()
    return {
        "processor": binding.get_host_cpu_name(),
        "features": ",".join(sorted(name for name, there in features.items() if there)),
        "kernels": TILING.name if TILING else "blas",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def apart(told: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Say in what two machines, or two versions of the code, differ."""
    found = []
    for name in sorted({*told, *here}):
        there, now = told.get(name), here.get(name)
        if there == now:
            continue
        if name == "features":
            lost = set(str(there).split(",")) ^ set(str(now).split(","))
            found.append(f"features of the processor: {', '.join(sorted(lost))}")
        else:
            found.append(f"{name}: {there} there, {now} here")
    return found
