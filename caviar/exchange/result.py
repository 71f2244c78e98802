"""The result of a trial, checked before it is sent: the server refuses a request as a whole."""

from collections.abc import Mapping

from caviar.exchange.wire import REASON_LIMIT, EndState, Result


def result_of(state: EndState, metrics: Mapping[str, float], epoch: int, reason: str | None) -> Result:
    """Return how a trial ended; raise ValueError for metrics that are not numbers."""
    told: dict[str, float | None] = dict(metrics)
    result = Result(state=state, metrics=told, epoch=epoch, reason=reason and reason[:REASON_LIMIT])
    result.metrics = told  # as they were measured: the check makes 64 bits of 32
    return result
