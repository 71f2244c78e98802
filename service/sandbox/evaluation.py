"""Compare a stored model with its dev set in a process of its own, under limits.

`python -I -m caviar.service.sandbox.evaluation MEMORY SECONDS DATASET` reads a model on standard input and
prints one line of JSON: what `trainer.outcomes` finds, or a `problem` with field, message and remedy.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    """Evaluate one model."""
    memory, seconds, dataset = arguments
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)), int(float(seconds)) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it has nothing to write
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    saved = sys.stdin.buffer.read()
    import caviar.trainer.outcomes  # noqa: F401 - loaded before its address space is bounded

    _bound_memory(int(memory))
    sys.stdout.write(json.dumps(_compared(saved, json.loads(dataset))))
    return 0


def _bound_memory(more: int) -> None:
    """Limit the address space to what is in use now and so much more."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bound = pages * os.sysconf("SC_PAGE_SIZE") + more
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _compared(saved: bytes, dataset: dict[str, Any]) -> dict[str, Any]:
    from caviar.trainer.data.load import load
    from caviar.trainer.outcomes import outcomes
    from caviar.trainer.predict import Model
    from caviar.trainer.problem import ProblemsError

    try:
        model = Model.load(saved)
        settings = model.info["settings"]
        data = load(dataset, precision=settings["precision"], normalize=settings["normalize"])
        return outcomes(model, data)
    except ProblemsError as error:  # of the model or the data
        problem = error.problems[0]
        return {"problem": {"field": problem.field, "message": problem.message, "remedy": problem.remedy}}
    except ValueError as error:
        remedy = "the data set is not what it was when the model was trained"
        return {"problem": {"field": "dataset", "message": str(error), "remedy": remedy}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
