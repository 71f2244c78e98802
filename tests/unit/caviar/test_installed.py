"""Caviar as pip installs it, without the clone, in a folder where a user has files named as our parts."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ("caviar", "search", "trainer", "service", "db_migrations", "examples")
BUILD = "from setuptools import build_meta as build; import sys; build.build_{kind}(sys.argv[1])"
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


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed wheel, beside what this Python has of its dependencies."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(pip, check=True, capture_output=True, timeout=60)
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, but for files that must be of no interest to us."""
    for name in (*SOURCES, "agents", "client"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user was imported')\n")
    (tmp_path / "caviar.py").unlink()  # that one hides any package of its name from a script beside it
    return tmp_path


def environment(site: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
    return kept | {"PYTHONPATH": str(site)}


@contextmanager
def served(site: Path, folder: Path) -> Iterator[str]:
    """Run a server without workers; gives its address."""
    command = [site / "bin" / "caviar", "serve", "--port", "0", "--workers", "0"]
    server = subprocess.Popen(command, cwd=folder, env=environment(site), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        ready = server.stdout.readline()
        assert ready.startswith("Caviar is ready: "), ready
        yield ready.split()[3]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


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


def test_the_demo_runs_from_any_folder(site: Path, folder: Path) -> None:
    done = subprocess.run(
        [site / "bin" / "caviar", "demo"],
        cwd=folder,
        env=environment(site),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,  # as long as the kernels are not compiled, which every state of them is once
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Best of search 1 (digits): 40 " in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("See the winner on the dashboard: caviar serve, then open http://")
    assert "/trials/1." in last


def test_a_script_beside_files_of_our_names_takes_part(site: Path, folder: Path) -> None:
    (folder / "own.py").write_text(SCRIPT)
    (folder / "own.yaml").write_text(SEARCH)
    with served(site, folder) as url:
        done = subprocess.run(
            [sys.executable, "own.py", url],
            cwd=folder,
            env=environment(site),
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        state, ended, value = done.stdout.split()
        assert (state, ended) == ("completed", "6") and 0.2 <= float(value) <= 0.25
        submit = [site / "bin" / "caviar", "submit", "own.yaml", "--url", url]
        told = subprocess.run(
            submit, cwd=folder, env=environment(site), check=True, capture_output=True, text=True, timeout=60
        )
    assert "2" in told.stdout
