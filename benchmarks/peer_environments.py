"""Environments of the peers: python -m benchmarks peers [--make] [name ...].

Each is made below `CAVIAR_PEERS` (default: caviar-peers in the user's cache folder) from the exact versions
in benchmarks/peers/requirements. Without --make the command tells which there are.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent / "peers"
# Strategy of the bench: its environment, its program and what the program is told.
PROGRAMS = {
    "optuna_tpe": ("optuna", "optuna_peer.py", "tpe"),
    "optuna_gp": ("optuna", "optuna_peer.py", "gp"),
    "optuna_cmaes": ("optuna", "optuna_peer.py", "cmaes"),
    "optuna_auto": ("optunahub", "optuna_peer.py", "auto"),
    "hebo": ("hebo", "hebo_peer.py"),
    "smac": ("smac", "smac_peer.py"),
    "ax": ("ax", "ax_peer.py"),
}


def folder() -> Path:
    """Return where the environments are."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CAVIAR_PEERS") or cache / "caviar-peers")


def requirements(environment: str) -> Path:
    """Return the file of an environment's exact versions."""
    return HERE / "requirements" / f"{environment}.txt"


def environments() -> list[str]:
    """Name the environments there can be."""
    return sorted(path.stem for path in (HERE / "requirements").glob("*.txt"))


def command(strategy: str) -> list[str]:
    """Return the command that runs a peer. Raises SystemExit where its environment is not made."""
    environment, program, *arguments = PROGRAMS[strategy]
    python = folder() / environment / "bin" / "python"
    if not _made(environment):
        raise SystemExit(f"{strategy} has no environment: python -m benchmarks peers --make {environment}")
    return [str(python), str(HERE / program), *arguments]


def _stamp(environment: str) -> str:
    """Return what tells that an environment is of these versions."""
    return hashlib.sha256(requirements(environment).read_bytes()).hexdigest()


def _made(environment: str) -> bool:
    stamp = folder() / environment / "made-of"
    return stamp.exists() and stamp.read_text() == _stamp(environment)


def make(environment: str) -> None:
    """Make an environment anew."""
    place = folder() / environment
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--requirement", str(requirements(environment))], check=True)
    (place / "made-of").write_text(_stamp(environment))


def main(arguments: list[str]) -> int:
    """Make the named environments, or all; or tell which are made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("--make", action="store_true", help="make what is not there in these versions")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(environments()))
    asked = parser.parse_args(arguments)
    names = asked.names or environments()
    unknown = sorted(set(names) - set(environments()))
    if unknown:
        parser.error(f"there is no environment {unknown[0]!r}; there are {', '.join(environments())}")
    for name in names:
        if asked.make and not _made(name):
            print(f"{name}: being made", flush=True)
            make(name)
        print(f"{name}: {folder() / name if _made(name) else 'not made'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
