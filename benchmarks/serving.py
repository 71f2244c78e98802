"""A server of its own for a benchmark: `caviar serve` on a free port, ended with the benchmark."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def serving(
    folder: str | Path, workers: int, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Start a server with its data in a folder and give its address."""
    command = [sys.executable, "-m", "caviar", "serve", "--port", "0", "--workers", str(workers)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
    variables = kept | dict(environment or {})
    words = [*command, "--data", str(folder), *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=variables, text=True) as process:
        try:
            for line in process.stdout or ():
                if found := re.search(r"ready: (http://\S+)", line):
                    yield found[1]
                    break
            else:
                raise RuntimeError("the server ended before it was ready")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
