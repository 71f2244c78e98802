"""Write a data set again with some labels corrected, in a process of its own, under limits.

`python -I -m caviar.service.sandbox.relabelling OUT MEMORY SECONDS SIZE` reads {"source", "labels"} on
standard input, writes OUT and prints one line of JSON: the `options` for the new file, or an `error` with
field, message and remedy.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from caviar.service.sandbox.evaluation import bound_memory


def main(arguments: list[str]) -> int:
    """Write one file."""
    out, memory, seconds, size = arguments
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    given = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)), int(float(seconds)) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import caviar.trainer.data.cells
    import caviar.trainer.data.relabel
    import caviar.trainer.data.treat
    from caviar.trainer.problem import DataError

    bound_memory(int(memory))
    try:
        options = caviar.trainer.data.relabel.relabel(given["source"], dict(given["labels"]), Path(out))
        answer: dict[str, object] = {"options": options}
    except DataError as error:
        answer = {"error": error.problems[0].as_dict()}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
