"""The trials an agent holds: waiting, in training, or ended and not yet acknowledged."""

from collections import deque
from collections.abc import Iterable, Mapping

from caviar.exchange.assigned_trial import AssignedTrial, Key
from caviar.exchange.wire import Assignment, CommandOrder, SearchSettings


class Holdings:
    """Not thread-safe, except for `news` and `why_dropped`: the exchange holds its lock."""

    def __init__(self) -> None:
        self.queue: deque[AssignedTrial] = deque()
        self.training: Key | None = None
        self.searches: dict[str, SearchSettings] = {}
        self._held: dict[Key, AssignedTrial] = {}
        self._commands: dict[Key, list[CommandOrder]] = {}
        self._dropped: dict[Key, str] = {}

    def dropped(self) -> list[Key]:
        """Return what the training thread has in hand though the server does not want it any more."""
        return list(self._dropped)

    def held(self) -> list[Key]:
        """Return every trial and attempt in hand."""
        return list(self._held)

    def get(self, key: Key) -> AssignedTrial | None:
        """Return what is held under a key, None if it is not held (any more)."""
        return self._held.get(key)

    @property
    def idle(self) -> bool:
        """Return whether there is nothing to train."""
        return self.training is None and not self.queue

    def take_on(self, trials: Iterable[Assignment], searches: Mapping[str, SearchSettings]) -> int:
        """Queue the trials of an answer that are not here yet; the others repeat an answer that was lost."""
        self.searches |= searches
        count = 0
        for given in trials:
            count += 1
            key = given.trial, given.attempt
            if key not in self._held and key not in self._dropped:  # a namesake of another database waits
                search = self.searches[given.trial.partition(".")[0]]
                self._held[key] = AssignedTrial.of(given, search)
                self.queue.append(self._held[key])
        return count

    def begin(self) -> AssignedTrial:
        """Take the next trial into training."""
        assignment = self.queue.popleft()
        self.training = assignment.key
        return assignment

    def receive(self, commands: Iterable[CommandOrder]) -> None:
        """Put commands into the mailboxes of the trials they are for."""
        for command in commands:
            key = command.trial, command.attempt
            if key in self._held:
                self._commands.setdefault(key, []).append(command)

    def drop(self, key: Key, why: str) -> None:
        """Forget a trial that the server does not want any more; the training thread is told why."""
        self.forget(key)
        if any(one.key == key for one in self.queue):
            self.queue = deque(one for one in self.queue if one.key != key)
        if key == self.training:
            self._dropped[key] = why

    def forget(self, key: Key) -> None:
        """Hold a trial no more."""
        self._held.pop(key, None)
        self._commands.pop(key, None)

    def end(self, key: Key) -> None:
        """Note that the training thread has turned away from a trial."""
        self.training = None
        self._dropped.pop(key, None)

    def news(self, key: Key) -> bool:
        """Return whether there are commands or a drop for a trial."""
        return key in self._commands or key in self._dropped

    def commands(self, key: Key) -> list[CommandOrder]:
        """Take the commands that have come for a trial."""
        return self._commands.pop(key, [])

    def why_dropped(self, key: Key) -> str | None:
        """Return why the server does not want this attempt any more, None while it does."""
        return self._dropped.get(key)
