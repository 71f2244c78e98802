"""What is said of a trial that broke one of its limits, by agents, scripts, supervisors and the server."""


def in_bytes(size: int) -> str:
    """Write a size as a person reads it: 2 GiB."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.4g} {unit}"
    return f"{size} bytes"


def too_long(seconds: float) -> str:
    """Say that a trial took too long."""
    return f"it took longer than its limit of {seconds:g} seconds"


def too_silent(seconds: float) -> str:
    """Say that a trial ended no epoch for too long."""
    return f"no epoch ended for {seconds:g} seconds, its limit"


def too_large(size: int, limit: int) -> str:
    """Say that a trial took too much memory."""
    return f"its process held {in_bytes(size)} of memory, over its limit of {in_bytes(limit)}"
