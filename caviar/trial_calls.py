"""The calls of `Client` about single trials: what became of them, steering, tests and error analysis."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caviar.client_calls import Calls, SearchLike, TrialLike, name_of, number_of
from caviar.records import Event, Search, Trial


class TrialCalls(Calls):
    """Everything about single trials."""

    # Trials

    def trial(self, trial: TrialLike) -> Trial:
        """Read one trial."""
        return Trial.of(self.transport.call("GET", f"/trials/{name_of(trial)}"), self._view)

    def curve(self, trial: TrialLike, points: int | None = None) -> dict[str, Any]:
        """Return the learning curve: a list per column and branch; of more epochs about `points`."""
        query = {} if points is None else {"points": points}
        curve: dict[str, Any] = self.transport.call("GET", f"/trials/{name_of(trial)}/curve", params=query)
        return curve

    def trial_events(self, trial: TrialLike, last: str | None = None) -> Iterator[Event]:
        """Follow a trial as it learns: events `epoch`, `cost`, `command`, `checkpoint`, `state`."""
        return self.transport.events(f"/trials/{name_of(trial)}/events", last=last)

    def rerun(self, trial: TrialLike) -> Trial:
        """Queue a failed or cancelled trial again, as a new trial that names the old one."""
        return Trial.of(self.transport.call("POST", f"/trials/{name_of(trial)}/rerun"), self._view)

    def exclude(self, trial: TrialLike, reason: str) -> Trial:
        """Take a trial's wrong result out: it keeps its state, but nothing sees its value any more."""
        path = f"/trials/{name_of(trial)}/exclude"
        return Trial.of(self.transport.call("POST", path, json={"reason": reason}), self._view)

    def include(self, trial: TrialLike) -> Trial:
        """Put a result that was taken out back."""
        return Trial.of(self.transport.call("POST", f"/trials/{name_of(trial)}/include"), self._view)

    def attributes(self, trial: TrialLike) -> dict[str, Any]:
        """Return what a script noted of a trial (`trial.note`)."""
        items = self.transport.call("GET", f"/trials/{name_of(trial)}/attributes")["items"]
        return {one["key"]: one["value"] for one in items}

    def artifacts(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the files that a script attached to a trial (`trial.attach`): name, size, created."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/trials/{name_of(trial)}/artifacts")[
            "items"
        ]
        return items

    def artifact(self, trial: TrialLike, name: str) -> bytes:
        """Return the bytes of a file that a script attached to a trial."""
        path = f"/trials/{name_of(trial)}/artifacts/content"
        return self.transport.request("GET", path, params={"name": name}, timeout=300).content

    def diagnosis(self, trial: TrialLike) -> dict[str, Any]:
        """Return whether bias or variance holds a trial back, and what to do next."""
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{name_of(trial)}/diagnosis")
        return found

    def log(self, trial: TrialLike, branch: int | None = None) -> dict[str, Any]:
        """Return what a branch of a trial follows from: settings, seed, and the log of changes."""
        return self._of_branch(trial, "log", branch)

    def schedule(self, trial: TrialLike, branch: int | None = None) -> dict[str, Any]:
        """Return the settings of a branch by epoch: settings at its beginning, schedule, epochs.

        Under `search` a search that trains so from a few seeds, for `submit`.
        """
        return self._of_branch(trial, "schedule", branch)

    def checkpoint(self, checkpoint: int) -> bytes:
        """Return the bytes of a checkpoint (safetensors)."""
        return self.transport.request("GET", f"/checkpoints/{checkpoint}", timeout=300).content

    def checkpoints(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the checkpoints and models that are kept of a trial, oldest first."""
        answer = self.transport.call("GET", f"/trials/{name_of(trial)}/checkpoints")
        items: list[dict[str, Any]] = answer["items"]
        return items

    def model(self, trial: TrialLike) -> bytes:
        """Return the trained model of a trial (safetensors)."""
        return self.transport.request("GET", f"/trials/{name_of(trial)}/model", timeout=300).content

    # Steering

    def command(
        self, trial: TrialLike, kind: str, *, at: str = "now", late: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Ask something of a trial: set, pause, resume, checkpoint, rewind, fork, extend, stop or note.

        `late`: what to do when the epoch that `at` names has passed, "refuse" (the default) or "apply".
        """
        when = {"at": at} | ({"late": late} if late else {})
        return self.commands(trial, [{"kind": kind, "arguments": arguments, "when": when}])[0]

    def commands(self, trial: TrialLike, commands: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask several things of a trial, all or none."""
        path = f"/trials/{name_of(trial)}/commands"
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = self.transport.call("POST", path, json={"commands": list(commands)}, headers=headers)
        items: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return items

    def given(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the commands of a trial, oldest first, with what became of them."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/trials/{name_of(trial)}/commands")[
            "items"
        ]
        return items

    def steering(self, trial: TrialLike) -> dict[str, Any]:
        """Return what steering a trial needs: settings in force, commands, branches, checkpoints, advice."""
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{name_of(trial)}/steering")
        return found

    def rewind_estimate(self, trial: TrialLike, epoch: int, branch: int | None = None) -> dict[str, Any]:
        """Return what going back to an epoch has to train again: checkpoint, from_epoch, epochs, seconds."""
        params = {"epoch": epoch} | ({} if branch is None else {"branch": branch})
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{name_of(trial)}/rewind", params=params)
        return found

    def predict(self, trial: TrialLike, rows: Sequence[Any]) -> dict[str, Any]:
        """Return what a trial's model says about up to 1,000 rows, mappings by column or lists of numbers.

        `far` and `moved` name the columns that lie far from what it was trained on.
        """
        path, body = f"/trials/{name_of(trial)}/predict", {"rows": list(rows)}
        found: dict[str, Any] = self.transport.call("POST", path, json=body, timeout=300)
        return found

    # The test set

    def test(self, trial: TrialLike, why: str | None = None) -> dict[str, Any]:
        """Measure a finished trial's model on the test set; the look is recorded, with its reason `why`.

        Do it once, when the choice is made: a test set by which models are chosen tells nothing any more.
        """
        path = f"/trials/{name_of(trial)}/test"
        found: dict[str, Any] = self.transport.call("POST", path, json={"why": why}, timeout=600)
        return found

    def tests(self, of: SearchLike | TrialLike) -> list[dict[str, Any]]:
        """Return the looks at the test set of a trial, such as "3.17", or of all trials of a search."""
        if isinstance(of, Search | int):
            path = f"/searches/{number_of(of)}/tests"
        else:
            path = f"/trials/{name_of(of)}/test"
        items: list[dict[str, Any]] = self.transport.call("GET", path)["items"]
        return items

    # What a model does

    def decision_boundary(
        self, trial: TrialLike, x: str | None = None, y: str | None = None, **query: Any
    ) -> dict[str, Any]:
        """Return what a trial's model answers over two columns, the others held.

        By default the two that move its answer most. Also resolution (2 to 200), row (of the dev set,
        whose values the other columns take) and target (of a regression with several).
        """
        query = {name: value for name, value in {"x": x, "y": y, **query}.items() if value is not None}
        path = f"/trials/{name_of(trial)}/decision-boundary"
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=300)
        return found

    def loss_plane(
        self, trial: TrialLike, resolution: int | None = None, rows: int | None = None
    ) -> dict[str, Any]:
        """Return the cost in the plane through the path of a trial's training, and that path.

        The first two principal components of its weights; see docs/trainer/loss_plane.md.
        """
        query = {"resolution": resolution, "rows": rows}
        query = {name: value for name, value in query.items() if value is not None}
        path = f"/trials/{name_of(trial)}/loss-plane"
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=900)
        return found

    # Error analysis

    def errors(self, trial: TrialLike, *, part: str = "dev", **query: Any) -> dict[str, Any]:
        """Return a page of the rows of the dev set that a trial's model gets wrong, largest loss first.

        `part` may be "train_dev"; show="all" gives right answers, too; also tag, offset, limit (up to 200).
        """
        return self._of_errors(trial, "", {"part": part, **query})

    def error_causes(self, trial: TrialLike, part: str = "dev") -> dict[str, Any]:
        """Return the table of tags: each one's share of the error, and the error without it at best."""
        return self._of_errors(trial, "/tags", {"part": part})

    def error_slices(self, trial: TrialLike, part: str = "dev") -> dict[str, Any]:
        """Return which parts of the data are worse, column by column, and which differences are real."""
        return self._of_errors(trial, "/slices", {"part": part})

    def errors_csv(self, trial: TrialLike, *, part: str = "dev", **query: Any) -> bytes:
        """Return these rows as CSV, with tags and inputs; show="all" and tag as for `errors`."""
        path = f"/trials/{name_of(trial)}/errors/export"
        return self.transport.request("GET", path, params={"part": part, **query}, timeout=300).content

    def tag_row(
        self, trial: TrialLike, row: int, *tags: str, label: str | None = None, part: str = "dev"
    ) -> dict[str, Any]:
        """Make these the tags of a row, and give its right label where its own one is wrong."""
        path = f"/trials/{name_of(trial)}/errors/{part}/{row}"
        body = {"tags": list(tags), "label": label}
        found: dict[str, Any] = self.transport.call("PUT", path, json=body, timeout=300)
        return found

    def correct_labels(self, trial: TrialLike, name: str, part: str = "dev") -> dict[str, Any]:
        """Make a data set with the right labels: `dataset`, and `search`, the trial's one to submit on it."""
        path, body = f"/trials/{name_of(trial)}/errors/versions", {"name": name, "part": part}
        found: dict[str, Any] = self.transport.call("POST", path, json=body, timeout=600)
        return found

    def _of_errors(self, trial: TrialLike, what: str, query: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/trials/{name_of(trial)}/errors{what}"
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=300)
        return found

    def _of_branch(self, trial: TrialLike, what: str, branch: int | None) -> dict[str, Any]:
        query = {} if branch is None else {"branch": branch}
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{name_of(trial)}/{what}", params=query)
        return found
