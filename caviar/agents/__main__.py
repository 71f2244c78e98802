"""The agent process: `python -m caviar.agents --url http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import os
import sys

THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def main() -> int:
    """Read the arguments and work until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m caviar.agents", description=__doc__)
    parser.add_argument("--url", required=True, help="address of the server")
    parser.add_argument("--id", help="a- and 16 hex digits; random if left out")
    parser.add_argument("--engine", default="script", help="who started this agent")
    parser.add_argument("--parent", type=int, help="end when this process does")
    parser.add_argument("--note", type=int, help="an open file, for the trial in training")
    parser.add_argument("--slot", help="what it has for a trial: Slot of the protocol, as JSON")
    parser.add_argument("--nice", type=int, default=0, help="give way to other processes by so much")
    parser.add_argument("--log-json", action="store_true", help="log lines of JSON")
    parser.add_argument("--log-level", default="info")
    arguments = parser.parse_args()
    # One trial, one thread: set before numpy loads, so that no library starts threads of its own.
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
    if arguments.nice:
        os.nice(arguments.nice)
    from caviar import logs
    from caviar.agents.process import run_agent

    logs.configure(arguments.log_json, arguments.log_level)
    return run_agent(
        arguments.url,
        arguments.id,
        arguments.engine,
        arguments.parent,
        arguments.note,
        slot=arguments.slot,
    )


if __name__ == "__main__":
    sys.exit(main())
