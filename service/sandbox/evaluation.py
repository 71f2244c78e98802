"""Compare a stored model with its dev set, or test it, in a process of its own, under limits.

`python -I -m caviar.service.sandbox.evaluation MEMORY SECONDS DATASET WANTED [ASKED]` reads a model on
standard input and prints JSON: for "outcomes" one line, what `trainer.outcomes` finds; for "test" what
`trainer.final_test` does with ASKED, {"main": measure, "measures": [...]}; for "boundary" what
`trainer.boundary` does with ASKED; for "errors" the lines of `trainer.error_analysis`; for "drift" what
`trainer.drift` finds, where ASKED is {"main": measure, "newer": dataset, "bytes": of a model of the newer
data, which comes before the other one}; or a `problem` with field, message and remedy, `refused` where ASKED
is at fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    """Evaluate one model."""
    memory, seconds, dataset, wanted = arguments[:4]
    asked = json.loads(arguments[4]) if len(arguments) > 4 else {}
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    newer, saved = sys.stdin.buffer.read(asked.pop("bytes", 0)), sys.stdin.buffer.read()
    if wanted in ("test", "drift"):
        _compile_kernels(saved)
    bound_work(float(seconds))
    import caviar.trainer.boundary
    import caviar.trainer.data.cells
    import caviar.trainer.drift
    import caviar.trainer.error_analysis
    import caviar.trainer.outcomes  # noqa: F401 - loaded before its address space is bounded

    bound_memory(int(memory))
    sys.stdout.write("\n".join(_found(saved, json.loads(dataset), wanted, asked, newer)))
    return 0


def _compile_kernels(saved: bytes) -> None:
    """Compile or load what measures, before files can no longer be written and memory is bounded."""
    import caviar.trainer.final_test  # noqa: F401 - as above
    from caviar.trainer import warming
    from caviar.trainer.predict import Model
    from caviar.trainer.problem import ProblemsError

    with contextlib.suppress(ProblemsError):  # of the model: said below
        warming.ensure(Model.load(saved).info["settings"]["precision"], "measured")


def bound_work(seconds: float) -> None:
    """Limit the time of the processor, and let no file be written."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it has nothing to write
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bound_memory(more: int) -> None:
    """Limit the address space to what is in use now and so much more."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bound = pages * os.sysconf("SC_PAGE_SIZE") + more
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _found(
    saved: bytes, dataset: dict[str, Any], wanted: str, asked: dict[str, Any], newer: bytes
) -> list[str]:
    """Return lines of JSON."""
    from caviar.trainer.boundary import decision_boundary
    from caviar.trainer.drift import drift
    from caviar.trainer.error_analysis import error_analysis
    from caviar.trainer.outcomes import outcomes
    from caviar.trainer.predict import Model
    from caviar.trainer.problem import AskedError, ProblemsError
    from caviar.trainer.source_model import prepared_for

    try:
        model = Model.load(saved)
        if wanted == "errors":
            return list(error_analysis(model, dataset))
        if wanted == "boundary":
            return [json.dumps(decision_boundary(model, dataset, **asked))]
        if wanted == "drift":
            later = Model.load(newer)
            old, new = prepared_for(model, dataset), prepared_for(later, asked["newer"])
            return [json.dumps(drift(model, later, old, new, asked["main"]))]
        data = prepared_for(model, dataset).data(0)
        if wanted == "outcomes":
            return [json.dumps(outcomes(model, data))]
        from caviar.trainer.final_test import final_test

        return [json.dumps(final_test(model, data, **asked))]
    except AskedError as error:
        return [json.dumps({"refused": error.problems[0].as_dict()})]
    except ProblemsError as error:  # of the model or the data
        told = error.problems[0].as_dict()
    except ValueError as error:
        remedy = "the data set is not what it was when the model was trained"
        told = {"field": "dataset", "message": str(error), "remedy": remedy}
    return [json.dumps({"problem": told})]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
