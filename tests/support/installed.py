"""A wheel of Caviar, environments that have it, and folders with files named as our parts are."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from venv import EnvBuilder

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCES = ("caviar", "search", "trainer", "service", "db_migrations", "examples")
BUILD = "from setuptools import build_meta as build; import sys; build.build_{kind}(sys.argv[1])"
NAMES = ("search", "trainer", "service", "tests", "db_migrations", "agents", "client")  # of others' too
SCRIPT = """
import sys
from caviar import Client

with Client(sys.argv[1]) as client:
    search = client.submit("own.yaml")
    for trial in client.ask(search):
        for epoch in range(4):
            trial.report(dev_error=1 / (epoch + 1 + trial.params["x"]))
            if trial.should_stop:
                break
    search = client.search(search)
    best = client.best(search, 1)[0]
    print(search.state, search.counts["completed"] + search.counts["stopped"], best.value)
"""
SEARCH = """
trainer: external
settings: {epochs: 4}
space: {x: {scale: linear, low: 0.0, high: 1.0}}
stopping: {name: successive_halving}
objective: {metric: dev_error}
budget: {trials: 6}
parallel: 1
seed: 3
"""


def build(kind: str, tree: Path, into: Path) -> Path:
    """Build a wheel or an sdist of a tree without any network."""
    code = BUILD.format(kind=kind)
    subprocess.run([sys.executable, "-c", code, into], cwd=tree, check=True, capture_output=True, timeout=60)
    [made] = into.iterdir()
    return made


def wheel_of_sdist(folder: Path) -> Path:
    """Build a wheel from the sdist, as pip does where it finds no wheel."""
    tree = folder / "clone"
    tree.mkdir()
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    with tarfile.open(build("sdist", tree, folder / "sdist")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    [unpacked] = (folder / "unpacked").iterdir()
    return build("wheel", unpacked, folder / "wheel")


class Environment:
    """A virtual environment with the wheel, and with what this Python has of its dependencies.

    With `alone` it has what `pip install caviar` brings, nothing of any extra.
    """

    def __init__(self, folder: Path, wheel: Path, *, alone: bool = False) -> None:
        EnvBuilder(symlinks=True, with_pip=False).create(folder)
        self.bin = folder / "bin"
        [self.packages] = folder.glob("lib/python*/site-packages")
        self.pip("install", wheel)
        if alone:
            link_dependencies(self.packages)
            return
        others = [one for one in sys.path if one.endswith("-packages")]  # as a plain path: no .pth of theirs
        (self.packages / "dependencies.pth").write_text("\n".join(others))

    def pip(self, verb: str, *what: str | Path) -> None:
        """Install wheels without a network, or remove distributions."""
        options = ["--no-deps", "--no-index", "--no-compile"] if verb == "install" else ["--yes"]
        pip = [sys.executable, "-m", "pip", "--python", self.bin / "python", "-q", verb]
        subprocess.run([*pip, *options, *what], check=True, capture_output=True, timeout=120)

    @property
    def variables(self) -> dict[str, str]:
        """Of a user who has set nothing of ours; the kernels of BLAS are compiled sooner than the tiles."""
        hidden = ("CAVIAR_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return kept | {"CAVIAR_KERNELS": "blas"}

    def started(self, folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in a folder."""
        command = [self.bin / program, *arguments]
        env = self.variables
        return subprocess.run(
            command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=120
        )

    def run(self, folder: Path, program: str, *arguments: str) -> str:
        """Run a program that must succeed; gives what it said."""
        done = self.started(folder, program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def served(self, folder: Path) -> Iterator[str]:
        """Run a server without workers; gives its address."""
        command = [self.bin / "caviar", "serve", "--port", "0", "--workers", "0"]
        server = subprocess.Popen(command, cwd=folder, env=self.variables, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()
            assert ready.startswith("Caviar is ready: "), ready
            yield ready.split()[3]
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)


def link_dependencies(packages: Path) -> None:
    """Link what the dependencies of pyproject.toml install into a folder of packages, and what they need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, linked = [Requirement(one) for one in project["dependencies"]], set()
    while wanted:
        one = wanted.pop()
        if one.name in linked or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        linked.add(one.name)
        found = distribution(one.name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(found.locate_file(top))))
        wanted += map(Requirement, found.requires or ())


def with_files(folder: Path) -> Path:
    """Fill a folder with files that must be of no interest to us, and a script and its search."""
    for name in NAMES:
        (folder / f"{name}.py").write_text("raise RuntimeError('a file of the user was imported')\n")
    (folder / "own.py").write_text(SCRIPT)
    (folder / "own.yaml").write_text(SEARCH)
    return folder


def with_packages(folder: Path) -> Path:
    """Fill a folder with packages that a script beside them imports as its own."""
    for name in NAMES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("theirs = True\n")
        for module in ("spec", "plugin", "app", "store", "env"):
            (folder / name / f"{module}.py").write_text("raise RuntimeError('not ours, and imported')\n")
    (folder / "own.py").write_text(f"import {', '.join(NAMES)}\nassert trainer.theirs\n" + SCRIPT)
    (folder / "own.yaml").write_text(SEARCH)
    return folder


def wheel_of_others(folder: Path) -> Path:
    """Write a wheel, as of a distribution `others`, with packages of our parts' names at its top."""
    packages, info = with_packages(folder), "others-1.0.dist-info"
    files = {f"{name}/__init__.py": (packages / name / "__init__.py").read_text() for name in NAMES}
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / "others-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
