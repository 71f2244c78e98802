"""Run an example slowly, and note each report: python -m tests.support.noted_example NAME SEARCH NOTES.

A line of the notes is the process and the step. SIGUSR1 raises an exception, as a mistake in the training
would.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from caviar.external_trial import ExternalTrial
from caviar.frameworks import steps
from tests.support.framework_examples import loaded

PAUSE = 0.25  # seconds of each step


def main() -> None:
    """Run it."""
    name, search, notes = sys.argv[1:]
    example = loaded(name)
    steps.LEAST_SECONDS = 0.5
    report = ExternalTrial.report

    def noted(trial: ExternalTrial, step: int, **metrics: float) -> None:
        time.sleep(PAUSE)
        report(trial, step, **metrics)
        with Path(notes).open("a") as file:
            file.write(f"{os.getpid()} {step}\n")

    def mistake(*_: Any) -> None:
        raise ValueError("a mistake in the training")

    ExternalTrial.report = noted  # type: ignore[method-assign]
    signal.signal(signal.SIGUSR1, mistake)
    sys.argv = [name, search]
    example.main()


if __name__ == "__main__":
    main()
