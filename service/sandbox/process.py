"""Work on files of users in another process, under limits: what breaks there breaks nothing here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from caviar.service.config import Limits


async def run_sandboxed(
    module: str,
    arguments: tuple[str, ...],
    limits: Limits,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> bytes | None:
    """Run `python -I -m module arguments` with `given` as its input; return its output.

    None when it took too much memory or time (twice `limits.inspect_seconds` without `seconds`), or broke.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "MALLOC_ARENA_MAX": "2",  # one for each thread reserves 128 MiB of the bounded space
            **(environment or {}),
        },  # nothing of ours: no token, no password
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds or 2 * limits.inspect_seconds):
            output, _ = await process.communicate(given)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output if process.returncode == 0 else None
