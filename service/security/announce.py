"""Hand the first tokens to the person who started the server, and to nobody else."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

logger = logging.getLogger(__name__)
FILE = "first-tokens.txt"
LOST = "nobody will ever see them: make others with `caviar token new`, and revoke these"


def announce(made: Mapping[str, str], folder: Path) -> None:
    """Show tokens just made: on a terminal, or where there is none in a file that only its owner reads.

    Logs are collected and kept, so a token must never be written into them.
    """
    if not made:
        return
    lines = "".join(f"{name}: {text}\n" for name, text in made.items())
    if sys.stderr.isatty():
        sys.stderr.write(f"\nTokens of this server, shown this once:\n{lines}\n")
        return
    path = folder / FILE
    try:
        path.unlink(missing_ok=True)  # one that others may read would stay so
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        logger.error("the first tokens cannot be written to %s (%s); %s", path, error.strerror, LOST)
        return
    logger.info("the first tokens are in %s: take them, then delete the file", path)
