"""Why an agent's process ended: by the trial in training, from outside, or nobody can tell."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from caviar.agents.limit_watch import BROKEN, RENEWED
from caviar.agents.watchdog import STUCK
from caviar.exchange.wire import AgentEnd

CRASHES = frozenset(
    getattr(signal, f"SIG{name}") for name in ("SEGV", "ABRT", "BUS", "ILL", "FPE", "TRAP", "SYS")
)


ORDERLY = {  # ends that agents come to by themselves, after they have handed back what they held
    BROKEN: "ended: the trainer of a trial that broke a limit did not come back",
    RENEWED: "ended: it held more memory than a trial may, left by trials before",
}


class OutOfMemory:
    """The kernel's count of processes killed for memory: of this control group, else of the machine."""

    def __init__(self) -> None:
        self._looks = (_killed_for_memory(),) * 2

    def look(self) -> None:
        """Look at the count, about every second."""
        self._looks = (self._looks[1], _killed_for_memory())

    def happened(self) -> bool:
        """Return whether the count has grown since the look before the last one."""
        before, now = self._looks[0], _killed_for_memory()
        return before is not None and now is not None and now > before


def ending(code: int, memory: OutOfMemory) -> AgentEnd:
    """Return how an agent ended that nobody had told to.

    A crash, and an exit in the middle of a training, are the doing of the trial; SIGKILL may be anybody's.
    """
    for_memory = memory.happened()
    if code in ORDERLY:
        return AgentEnd(reason=ORDERLY[code], cause="outside")
    if code == STUCK:
        return AgentEnd(reason=f"ended with exit code {code}: a trainer did not come back")
    if code >= 0:
        return AgentEnd(reason=f"ended with exit code {code}", cause="trial")
    number = signal.Signals(-code)
    if number in CRASHES:
        return AgentEnd(reason=f"was killed by {number.name}", cause="trial")
    if number == signal.SIGKILL:
        if for_memory:
            return AgentEnd(reason="was killed by SIGKILL: it was out of memory", cause="trial")
        return AgentEnd(reason="was killed by SIGKILL", cause="unknown")
    return AgentEnd(reason=f"was killed by {number.name}", cause="outside")


def silent_end(pid: int, grace: float) -> AgentEnd:
    """Return why an agent is killed that has been silent for `grace` seconds after its lease."""
    why = f"was killed: silent for {grace:.0f} s after its lease"
    if stopped(pid):
        return AgentEnd(reason=f"{why}, because somebody had stopped its process", cause="outside")
    return AgentEnd(
        reason=f"{why}, as where a trainer holds the interpreter and never comes back", cause="trial"
    )


def limit_end(pid: int, broken: str) -> AgentEnd | None:
    """Return why an agent is killed whose trial has let a limit pass; None where somebody had stopped it."""
    if stopped(pid):
        return None
    reason = f"was killed: of the trial in training {broken}, and its trainer held the interpreter"
    return AgentEnd(reason=reason, cause="trial", limit=broken)


def stopped(pid: int) -> bool:
    """Return whether a process stands still by a signal; where there is no /proc, nobody can tell."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] in (["T"], ["t"])


def _killed_for_memory() -> int | None:
    for path in (*_control_group(), Path("/proc/vmstat")):
        try:
            found = re.search(r"^oom_kill (\d+)$", path.read_text(encoding="ascii"), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return None


def _control_group() -> list[Path]:
    """Return where the counters of this process's control group may stand, of version 1 or 2."""
    root, places = Path("/sys/fs/cgroup"), []
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            places.append(root / path.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            places.append(root / "memory" / path.lstrip("/") / "memory.oom_control")
    return places
