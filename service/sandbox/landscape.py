"""Compute the cost in the plane through a trial's path, in a process of its own, under limits.

`python -I -m caviar.service.sandbox.landscape MEMORY SECONDS` reads a line of JSON and then checkpoints on
standard input: `dataset`, `settings`, `seed`, `changes`, `epoch`, `resolution`, `rows`, and `sizes`, the
bytes of each checkpoint. Without any it trains the trial again. It prints JSON: what `trainer.landscape`
finds; `refused` where resolution or rows are at fault; or `problem`, each with field, message and remedy.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from caviar.service.sandbox.evaluation import bound_memory, bound_work


def main(arguments: list[str]) -> int:
    """Compute one plane."""
    memory, seconds = arguments
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    asked, given = json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()
    if not asked["sizes"]:
        _compile_kernels(asked["settings"])
    bound_work(float(seconds))
    import caviar.trainer.data.cells
    import caviar.trainer.data.load
    import caviar.trainer.landscape  # noqa: F401 - loaded before its address space is bounded

    bound_memory(int(memory))
    sys.stdout.write(json.dumps(_found(asked, given)))
    return 0


def _compile_kernels(settings: dict[str, Any]) -> None:
    """Compile or load what trains, before files can no longer be written and memory is bounded."""
    from caviar.trainer import warming
    from caviar.trainer.settings import make_settings

    warming.ensure(make_settings(settings).precision, "measured")


def _found(asked: dict[str, Any], given: bytes) -> dict[str, Any]:
    """Return what is printed."""
    from caviar.trainer.data.load import Prepared
    from caviar.trainer.landscape import affordable, loss_plane, states_kept, states_trained_again
    from caviar.trainer.problem import AskedError, ProblemsError
    from caviar.trainer.run import Run
    from caviar.trainer.settings import make_settings
    from caviar.trainer.source_model import source_model_of

    try:
        settings = make_settings({**asked["settings"], "layer_statistics": False, "clean_train_cost": False})
        source = source_model_of(asked["dataset"], settings)
        data = Prepared(asked["dataset"], settings.precision, settings.normalize, source).data(0)
        run = Run(settings, data, asked["seed"])
        places, rows = affordable(run, asked["resolution"], asked["rows"])  # before any work
        path = (
            states_kept(run, _cut(given, asked["sizes"]))
            if asked["sizes"]
            else states_trained_again(run, asked["changes"], asked["epoch"])
        )
        return loss_plane(run, path, places, rows)
    except AskedError as error:
        return {"refused": error.problems[0].as_dict()}
    except ProblemsError as error:
        return {"problem": error.problems[0].as_dict()}


def _cut(given: bytes, sizes: list[int]) -> list[bytes]:
    found, begin = [], 0
    for size in sizes:
        found.append(given[begin : begin + size])
        begin += size
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
