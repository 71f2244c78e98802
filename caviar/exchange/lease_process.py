"""The process beside a script that renews its lease while the script cannot: what `lease_keeper` starts.

It runs by its path, without site-packages: the standard library alone, and the heavy part of that only once
there is something to renew. The script writes eight bytes, the lease, whenever the server has heard from it.
"""

import contextlib
import json
import os
import select
import struct
import subprocess
from typing import Any

LEASE = struct.Struct("d")
STOPPED = "TtZX"  # by a signal or a debugger, or dead: such a script trains nothing, and others may


def main() -> None:
    """Renew until the script has ended."""
    told = json.loads(os.fdopen(0, "rb", buffering=0, closefd=False).readline())
    lease = told["lease"]
    while os.getppid() == told["script"]:
        if select.select([0], [], [], lease / 3)[0]:
            heard = os.read(0, 512 * LEASE.size)
            if not heard:
                return
            [lease] = LEASE.unpack(heard[-LEASE.size :])
        elif _state(told["script"]) not in STOPPED:
            _renew(told, lease)


def _state(process: int) -> str:
    """Return the state of a process, as in ps: R, S, D; T when it is stopped."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - pathlib takes longer to import
            return file.read().rpartition(b")")[2].split()[0].decode()
    except FileNotFoundError:
        shown = subprocess.run(["ps", "-o", "state=", "-p", str(process)], capture_output=True, check=False)
        return shown.stdout.decode().strip()[:1] or "X"


def _renew(told: dict[str, Any], lease: float) -> None:
    """Renew the lease; where that fails, the next time may bring more."""
    import ssl
    from http.client import HTTPException
    from urllib.request import HTTPSHandler, Request, build_opener

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")  # as httpx reads them
    trusted = None if file or folder else told["certificates"]
    context = ssl.create_default_context(cafile=file or trusted, capath=None if file else folder)
    request = Request(told["url"], b"", told["headers"], method="POST")  # noqa: S310 - http or https, checked
    with contextlib.suppress(OSError, HTTPException):  # a refusal is an OSError too
        build_opener(HTTPSHandler(context=context)).open(request, timeout=max(1.0, lease / 3)).close()


if __name__ == "__main__":
    main()
