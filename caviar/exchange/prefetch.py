"""How much work an agent takes on ahead, and how long it may keep news to itself."""

from collections import defaultdict

AHEAD_SECONDS = 0.4  # short trials are fetched for this long, so that none waits for a round trip
SHORT_SECONDS = 1.0  # trials below this are worth having one spare; longer ones are left for other agents
AHEAD_LIMIT = 256  # so that trials of a millisecond make no exchange after each 0.1 s
SMOOTHING = 0.2
ROWS_SECONDS = 0.2  # epochs are told this often
RESULTS_SECONDS = 0.15  # results, while there is more to train


class Prefetch:
    """The mean duration of the trials of each search, as this agent has seen them."""

    def __init__(self, ahead: bool = True) -> None:
        self._ahead = ahead
        self._seconds: dict[int, float] = defaultdict(float)
        self._recent: float | None = None

    def finished(self, search: int, seconds: float) -> None:
        """Learn from a trial that has ended."""
        known = self._seconds.get(search)
        self._seconds[search] = seconds if known is None else known + SMOOTHING * (seconds - known)
        self._recent = self._seconds[search]

    @property
    def short(self) -> bool:
        """Return whether trials are short: then exchanges follow one another closely anyway."""
        return self._ahead and self._recent is not None and self._recent <= SHORT_SECONDS

    def want(self, queued: int, training: bool) -> int:
        """Return how many trials to ask for, with so many waiting here and perhaps one in training."""
        if not self.short or self._recent is None:
            return 0 if queued or training else 1
        ahead = max(1, min(AHEAD_LIMIT, round(AHEAD_SECONDS / max(self._recent, 1e-6))))
        return max(0, ahead + (not training) - queued)

    def low(self, queued: int, training: bool) -> bool:
        """Return whether it is time to ask: half of what should be here has been used up."""
        wanted = self.want(queued, training)
        return wanted > queued or (wanted > 0 and not queued)
