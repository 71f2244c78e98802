"""Caviar as pip installs it, without the clone, beside files and packages that are named as our parts are."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caviar.trainer.plugin import MLP
from tests.support.installed import (
    NAMES,
    ROOT,
    SCRIPT,
    SEARCH,
    Environment,
    wheel_of_others,
    wheel_of_sdist,
    with_files,
    with_packages,
)

SERVER_COMMANDS = (
    *("serve", "worker", "migrate", "backup copy", "demo", "token new me --data ."),
    *("gradcheck own.yaml", "verify 1"),
)
PROGRAM = """
import json, sys
print(json.dumps({"dev_error": float(sys.argv[1])}))
"""
ALONE = f"""
import io, json, subprocess, sys
from contextlib import redirect_stderr
import numpy as np
from caviar import *
from caviar import Client, load_model
from caviar.cli import main

def extra(said):
    return said.rpartition("is not installed here: pip install 'caviar[")[2].removesuffix("]'")

def run(line):
    sys.argv = ["caviar", *line.split()]
    with redirect_stderr(io.StringIO()) as told:
        try:
            main()
        except SystemExit as end:
            assert end.code == 1, (line, told.getvalue())
    return extra(told.getvalue().strip())

lacks = {{}}
with Client(sys.argv[1]) as client:
    search = client.submit("own.yaml", budget={{"trials": 2}}, settings={{"epochs": 1}})
    command = ["run", "--search", str(search.id), "--url", sys.argv[1], "--", "python", "train.py", "{{x}}"]
    subprocess.run([sys.executable, "-m", "caviar", *command], check=True, capture_output=True)
    states = [trial.state for trial in client.trials(search)]
    client.submit(  # arrays need no more than NumPy
        dataset={{"X": np.arange(40.0).reshape(20, 2), "y": np.arange(20.0)}},
        space={{"learning_rate": {{"scale": "log", "low": 0.001, "high": 0.1}}}},
        budget={{"trials": 1}},
    )
    try:
        client.submit(dataset={{"frame": np.zeros(3), "target": "x"}}, space={{}}, budget={{"trials": 1}})
    except CaviarError as error:
        lacks["frame"] = extra(str(error))
try:
    import caviar.optuna
except ImportError as error:
    lacks["optuna"] = extra(str(error))
predicted = load_model("best.model").predict(np.zeros((3, 4))).labels
large = ("numba", "sqlalchemy", "optuna", "fastapi", "scipy", "pyarrow")
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in large)
lacks |= {{line: run(line) for line in {SERVER_COMMANDS}}}
print(json.dumps({{"loaded": loaded, "states": states, "lacks": lacks, "predicted": len(predicted)}}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of_sdist(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("venv"), wheel)


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("alone"), wheel, alone=True)


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


def test_the_client_alone_takes_part_and_names_the_extra_that_it_lacks(
    alone: Environment, server: str, tmp_path: Path
) -> None:
    folder = with_files(tmp_path)
    (folder / "alone.py").write_text(ALONE)
    (folder / "train.py").write_text(PROGRAM)
    trainer, settings = MLP(), {"epochs": 1, "hidden_units": 4}
    training = trainer.start(settings, trainer.load({"name": "iris"}, settings), 1)
    while training.status == "running":
        training.advance()
    (folder / "best.model").write_bytes(training.model())
    told = json.loads(alone.run(folder, "python", "alone.py", server))
    lacks = {"frame": "frames", "optuna": "optuna"} | dict.fromkeys(SERVER_COMMANDS, "server")
    assert told == {"loaded": [], "states": ["completed"] * 2, "lacks": lacks, "predicted": 3}


def takes_part(installed: Environment, folder: Path, server: str) -> None:
    """Let the script of a folder train a search of its own."""
    state, ended, value = installed.run(folder, "python", "own.py", server).split()
    assert (state, ended) == ("completed", "6") and 0.2 <= float(value) <= 0.25


def digests(installed: Environment) -> dict[Path, str]:
    """Give a digest of every file of ours that is installed."""
    files = (one for one in (installed.packages / "caviar").rglob("*") if one.suffix != ".pyc")
    return {one: hashlib.sha256(one.read_bytes()).hexdigest() for one in files if one.is_file()}


def test_a_script_beside_the_clone_imports_what_is_in_it(tmp_path: Path) -> None:
    """The clone is called caviar, too: to Python it is an empty package of that name."""
    (tmp_path / "caviar").mkdir()
    (tmp_path / "own.py").write_text("from caviar import Client")
    subprocess.run([sys.executable, "own.py"], cwd=tmp_path, check=True)
