"""Values of metrics as a person reads them, the same in tables, in what a re-test says and in messages."""

from typing import Any


def metric_text(name: str, value: Any, task: str | None = None) -> str:
    """Write one value: errors of classifiers as percent, those of a regression in deviations of its target.

    `task` is classification or regression, None where nothing tells. Other numbers have four digits. Close
    below 1 they are counted from the distance to it: .99985 and .9999 are far apart for a momentum.
    """
    if isinstance(value, list):
        return f"[{', '.join(metric_text('', one) for one in value)}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "-" if value is None else str(value)
    if name.endswith("_error") and task == "regression":
        return f"{value:.3g} SD"
    if name.endswith("_error") and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    if 0.99 < value < 1:
        return f"{1 - float(f'{1 - value:.3g}'):.12g}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def distance_text(name: str, distance: float, task: str | None = None) -> str:
    """Write how far two values are apart: shares in points, for per cent of what would be unclear."""
    return metric_text(name, distance, task).replace(" %", " points")


def change_text(name: str, change: float, task: str | None = None) -> str:
    """Write by how much a value has changed, with its sign."""
    return f"{'-' if change < 0 else '+'}{distance_text(name, abs(change), task)}"
