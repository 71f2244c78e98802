"""Run examples in this process, each stopped once by Ctrl-C and begun again: imports cost more than they do.

python -m tests.support.interrupted_examples NOTES EXAMPLE... writes to NOTES, as JSON, what each reported.
"""

import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Any
from unittest.mock import patch

from caviar import Client
from caviar.external_trial import ExternalTrial
from caviar.frameworks import steps
from tests.support.framework_examples import loaded

STOPPED_AT = 3  # the report, of the first trial, that Ctrl-C comes before


def run(name: str) -> dict[str, Any]:
    """Run an example until Ctrl-C comes, then again with the number of its search; return the reports."""
    example = loaded(name)
    told: list[tuple[str, int]] = []
    report = ExternalTrial.report
    armed = True

    def interrupted(trial: ExternalTrial, step: int, **metrics: float) -> None:
        nonlocal armed
        if armed and step == STOPPED_AT:
            armed = False
            signal.raise_signal(signal.SIGINT)
        told.append((trial.id, step))
        report(trial, step, **metrics)

    with patch.object(ExternalTrial, "report", interrupted):
        search, ended = _begin(example)
        with patch("sys.argv", [name, str(search)]):
            example.main()
    return {"search": search, "told": told, "ended": ended}


def _begin(example: Any) -> tuple[int, str]:
    """Run an example to its Ctrl-C; return its search, and how it came out."""
    with patch("sys.argv", [example.__name__]):
        try:
            example.main()
        except (KeyboardInterrupt, SystemExit) as error:
            ended = type(error).__name__
        else:
            ended = "nothing"
    with Client() as client:
        return next(one.id for one in client.searches() if one.name == example.SEARCH["name"]), ended


def main() -> None:
    """Run the examples that are named."""
    steps.LEAST_SECONDS = steps.SHARE = 0.0  # a state after every step
    found: dict[str, Any] = {}
    for name in sys.argv[2:]:
        try:
            found[name] = run(name)
        except BaseException:  # the others are to be run too
            found[name] = {"error": traceback.format_exc()}
    Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
