"""Compiled kernels on disk: a folder for each state of the source and kind of processor, so never stale.

Numba's own check looks at the one file a function stands in, not at the files that one imports. So the
folder's name is a digest of all kernel files, of their codes (choices.py, metrics.py), of the versions of
the compilers, and of the processor.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """Return the folder of the compiled kernels, made if needed, in CAVIAR_CACHE or the user's cache."""
    name = f"kernels-{digest()[:20]}"
    for base in _bases():
        path = base / name
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError:
            continue
        return path
    path = Path(tempfile.mkdtemp(prefix="caviar-")) / name
    path.mkdir()
    return path


@cache
def digest() -> str:
    """Return the digest of everything that compiled code depends on."""
    import llvmlite
    import numba
    import numpy
    from llvmlite import binding

    facts = [numba.__version__, llvmlite.__version__, numpy.__version__, sys.version]
    facts += [binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    facts += [os.environ.get(name, "") for name in ("CAVIAR_KERNELS", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    hashed = hashlib.sha256("\n".join(facts).encode())
    here = Path(__file__).parent
    for path in [here / "choices.py", here / "metrics.py", *sorted((here / "kernels").glob("*.py"))]:
        hashed.update(path.name.encode() + path.read_bytes())
        # Numba finds what it has compiled by the path and the time of the source: with others it compiles
        # again, in every process, and the mark of the folder would not be true.
        hashed.update(f"{path} {path.stat().st_mtime_ns}".encode())
    return hashed.hexdigest()


def _bases() -> Iterator[Path]:
    if os.environ.get("CAVIAR_CACHE"):
        yield Path(os.environ["CAVIAR_CACHE"])
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "caviar"
    yield Path(tempfile.gettempdir()) / f"caviar-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
