"""The result of a trial, checked before it is sent: the server refuses a request as a whole."""

import traceback
from collections.abc import Mapping

from caviar.errors import TrialLimitError
from caviar.exchange.wire import REASON_LIMIT, EndState, Result

LOG_KEPT = 20_000  # characters, the last of a traceback


def result_of(state: EndState, metrics: Mapping[str, float], epoch: int, reason: str | None) -> Result:
    """Return how a trial ended; raise ValueError for metrics that are not numbers."""
    told: dict[str, float | None] = dict(metrics)
    result = Result(state=state, metrics=told, epoch=epoch, reason=reason and reason[:REASON_LIMIT])
    result.metrics = told  # as they were measured: the check makes 64 bits of 32
    return result


def limit_broken(reason: str) -> Result:
    """Return the result of a trial that broke one of its limits."""
    return Result(state="failed", reason=reason[:REASON_LIMIT])


def failure(error: BaseException) -> Result:
    """Return the result of a trial that could not be trained."""
    if isinstance(error, TrialLimitError):
        return limit_broken(str(error))
    log = "".join(traceback.format_exception(error))[-LOG_KEPT:]
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an exception of a user's may say anything, and fail at that
        said = "(its text cannot be read)"
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Result(state="failed", reason=reason[:REASON_LIMIT], log=log)


def failed(reason: str, log: str | None, epoch: int) -> Result:
    """Return the result of a trial that its script gives up."""
    return Result(state="failed", epoch=epoch, reason=reason[:REASON_LIMIT], log=log and log[-LOG_KEPT:])
