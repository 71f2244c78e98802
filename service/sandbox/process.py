"""Work on files of users in another process, under limits: what breaks there breaks nothing here."""

from __future__ import annotations

import asyncio
import os
import sys

from caviar.service.config import Limits


async def run_sandboxed(
    module: str, arguments: tuple[str, ...], limits: Limits, given: bytes = b""
) -> bytes | None:
    """Run `python -I -m module arguments` with `given` as its input; give its output.

    None when it took too much memory or time, or broke.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},  # nothing of ours: no token, no password
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(2 * limits.inspect_seconds):
            output, _ = await process.communicate(given)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output if process.returncode == 0 else None
