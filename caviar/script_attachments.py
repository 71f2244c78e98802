"""What a script notes of a trial, and files that it attaches: checked where they are given."""

import json
import math
from pathlib import Path
from typing import Any

from caviar.checkpoint_files import State, packed
from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import Key
from caviar.exchange.attachment_limits import (
    problem_of_key,
    problem_of_name,
    problem_of_size,
    problem_of_value,
)
from caviar.exchange.checkpoint_uploads import AttachmentUpload


def attribute(trial: Key, key: str, value: Any) -> AttachmentUpload:
    """Return an attribute on its way. Raises CaviarError for what cannot be kept."""
    _check(problem_of_key(key))
    try:
        written = json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        remedy = "give text, numbers, lists and dicts of them, or None"
        raise CaviarError(f"the attribute {key!r} cannot be kept: {error}; {remedy}") from None
    problem = problem_of_value(written)
    _check(problem and f"the attribute {key!r} {problem}; attach a file instead")
    return AttachmentUpload(trial, written.encode(), "attribute", key)


def artifact(trial: Key, state: State, name: str | None) -> AttachmentUpload:
    """Return a file on its way. Raises CaviarError for what cannot be kept or read."""
    if name is None and isinstance(state, bytes | bytearray | memoryview):
        raise CaviarError("what is the artifact called? Bytes need a name: trial.attach(content, name)")
    content = packed(state, "artifact")
    if name is None:
        path = Path(state)  # type: ignore[arg-type]  # bytes have a name
        name = f"{path.name}.tar" if path.is_dir() else path.name
    _check(problem_of_name(name))
    problem = problem_of_size(len(content))
    _check(problem and f"the artifact {name!r} {problem}; store it elsewhere, and note its address")
    return AttachmentUpload(trial, content, "artifact", name)


def _check(problem: str | None) -> None:
    if problem:
        raise CaviarError(problem)


def _plain(value: Any) -> Any:
    """Return numbers of NumPy and tensors of one number as Python has them."""
    if hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1:
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")
