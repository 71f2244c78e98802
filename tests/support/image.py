"""The Dockerfile, and containers of its image without an engine: a read-only root, one user, volumes."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.server_process import ROOT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KNOWN = {
    *("FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME"),
    *("EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"),
}
# In a mount and process namespace of its own: the root read-only, volumes and /tmp writable.
_ENTER = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount --bind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o size=512m,mode=1777 tmpfs "$ROOT/tmp"
{volumes}
mount -o remount,bind,ro "$ROOT"
exec chroot --userspec={user}:{user} --groups= "$ROOT" /usr/bin/env -i {environment} sh -c {command}
"""


@dataclass(frozen=True)
class Dockerfile:
    """What the last stage says of its containers."""

    environment: Mapping[str, str]
    user: str
    workdir: str
    volumes: Sequence[str]
    entrypoint: Sequence[str]
    command: Sequence[str]

    @classmethod
    def read(cls) -> Dockerfile:
        """Read the Dockerfile of this repository. Raises AssertionError for an instruction not known here."""
        text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
        stage = text[text.rindex("\nFROM ") :]
        lines = [line.split(maxsplit=1) for line in stage.splitlines() if line and line[0].isalpha()]
        unknown = {word for word, _ in lines} - KNOWN
        assert not unknown, f"{unknown}: what does it mean for a container that is run here?"
        said = {word: rest for word, rest in lines if word != "ENV"}
        given = [shlex.split(rest) for word, rest in lines if word == "ENV"]
        environment = dict(one.split("=", 1) for words in given for one in words)
        environment["PATH"] = environment["PATH"].replace("$PATH", PATH)
        return cls(
            environment,
            said["USER"],
            said["WORKDIR"],
            json.loads(said["VOLUME"]),
            json.loads(said["ENTRYPOINT"]),
            json.loads(said["CMD"]),
        )


def contained(
    root: Path, volumes: Mapping[str, Path], environment: Mapping[str, str], words: Sequence[str], log: Path
) -> subprocess.Popen[bytes]:
    """Start the image's entry point with words in place of its command; volumes by their place in it."""
    image = Dockerfile.read()
    variables = {**image.environment, **environment}
    command = f"cd {image.workdir} && exec {shlex.join([*image.entrypoint, *words])}"
    mounts = [f'mount --bind {shlex.quote(str(here))} "$ROOT{there}"' for there, here in volumes.items()]
    script = _ENTER.format(
        volumes="\n".join(mounts),
        user=image.user,
        environment=shlex.join(f"{name}={value}" for name, value in variables.items()),
        command=shlex.quote(command),
    )
    enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script]
    ours = {"ROOT": str(root), "PATH": PATH}
    with log.open("ab") as said:
        return subprocess.Popen(enter, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=ours)
