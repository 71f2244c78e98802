"""Caviar as pip installs it, without the clone, beside files and packages that are named as our parts are."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from venv import EnvBuilder

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ("caviar", "search", "trainer", "service", "db_migrations", "examples")
BUILD = "from setuptools import build_meta as build; import sys; build.build_{kind}(sys.argv[1])"
NAMES = ("search", "trainer", "service", "db_migrations", "agents", "client")  # of others' modules too
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the sdist, as pip does where it finds no wheel."""
    folder = tmp_path_factory.mktemp("build")
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
    """A virtual environment with the wheel, and with what this Python has of its dependencies."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        EnvBuilder(symlinks=True, with_pip=False).create(folder)
        self.bin = folder / "bin"
        [self.packages] = folder.glob("lib/python*/site-packages")
        self.pip("install", wheel)
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

    def run(self, folder: Path, program: str, *arguments: str) -> str:
        """Run a program of the environment in a folder; gives what it said."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=folder,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
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


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("venv"), wheel)


@pytest.fixture(scope="module", autouse=True)
def demo(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The demo in a folder without a clone, begun before all tests: it compiles kernels meanwhile."""
    folder = with_packages(with_files(tmp_path_factory.mktemp("demo")))
    command, variables = [installed.bin / "caviar", "demo"], installed.variables
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.terminate()


@pytest.fixture(scope="module")
def server(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that was started where the user has packages of our parts' names."""
    with installed.served(with_packages(tmp_path_factory.mktemp("served"))) as url:
        yield url


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


def test_the_wheel_holds_every_module_and_file_of_the_package(wheel: Path) -> None:
    suffixes = {".py", ".html", ".js", ".css", ".svg", ".mako", ".yaml"}
    tops = {one.name: one.resolve() for one in (ROOT / "caviar").iterdir() if one.is_dir()}  # some are links
    files = [(name, top, one) for name, top in tops.items() for one in top.rglob("*")]
    expected = {
        str(Path("caviar", name, one.relative_to(top)))
        for name, top, one in files
        if one.suffix in suffixes and "__pycache__" not in one.parts
    } | {f"caviar/{one.name}" for one in (ROOT / "caviar").glob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert len(expected) > 250 and not expected - held
    assert not [one for one in held if not one.startswith("caviar")], "only caviar is installed"


@pytest.mark.parametrize("fill", [with_files, with_packages], ids=["files", "packages"])
def test_a_script_beside_files_and_packages_of_our_names_takes_part(
    installed: Environment, server: str, tmp_path: Path, fill: Callable[[Path], Path]
) -> None:
    takes_part(installed, fill(tmp_path), server)
    assert f"{server}/searches/" in installed.run(tmp_path, "caviar", "submit", "own.yaml", "--url", server)
    assert "completed" in installed.run(tmp_path, "python", "-m", "caviar", "list", "--url", server)


def test_distributions_of_our_names_come_and_go_beside_ours(
    installed: Environment, server: str, tmp_path: Path
) -> None:
    (others := tmp_path / "others").mkdir()
    (alone := tmp_path / "alone").mkdir()
    script = f"import {', '.join(NAMES)}\nassert '-packages' in trainer.__file__\n" + SCRIPT
    (alone / "own.py").write_text(script)
    (alone / "own.yaml").write_text(SEARCH)
    before = digests(installed)
    installed.pip("install", wheel_of_others(others))
    takes_part(installed, alone, server)
    installed.pip("uninstall", "others")
    assert not (installed.packages / "trainer").exists()
    assert len(before) > 250 and digests(installed) == before
    (alone / "own.py").write_text(SCRIPT)
    takes_part(installed, alone, server)


def test_the_demo_runs_from_any_folder(demo: subprocess.Popen[str]) -> None:
    said, _ = demo.communicate(timeout=300)  # kernels are compiled once for each state of them
    assert demo.returncode == 0, said
    assert "Best of search 1 (digits): 40 " in said
    last = said.splitlines()[-1]
    assert last.startswith("See the winner on the dashboard: caviar serve, then open http://")
    assert "/trials/1." in last


def takes_part(installed: Environment, folder: Path, server: str) -> None:
    """Let the script of a folder train a search of its own."""
    state, ended, value = installed.run(folder, "python", "own.py", server).split()
    assert (state, ended) == ("completed", "6") and 0.2 <= float(value) <= 0.25


def digests(installed: Environment) -> dict[Path, str]:
    """Give a digest of every file of ours that is installed."""
    files = (one for one in (installed.packages / "caviar").rglob("*") if one.suffix != ".pyc")
    return {one: hashlib.sha256(one.read_bytes()).hexdigest() for one in files if one.is_file()}
