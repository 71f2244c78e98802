"""Re-tests: the winners of a search trained again with fresh seeds, on its own data and on newer data.

A re-test is searches of fixed points that belong to the original: their trials live, replay and repeat as all
others do. The winners on the earlier data are trained once (`baseline`), and compared with at each re-test.
Test sets stay out of it: all is judged by dev sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from caviar.search.spec import SearchSpec
from caviar.service.errors import ConflictError, FieldProblem, NotFoundError, RefusedError
from caviar.service.store import audit, reads
from caviar.service.store import datasets as dataset_rows
from caviar.service.store import retests as rows
from caviar.service.store import searches as search_rows
from caviar.service.store.blobs import Blobs
from caviar.service.store.database import Database
from caviar.service.store.retests import StoredRetest, StoredSchedule
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.starting_models import StoredStartingModel
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import datasets, starting_model, submit_data
from caviar.service.usecases.analysis import read_standings
from caviar.service.usecases.retest_searches import fresh_search, points_again
from caviar.service.usecases.starting_model import Content
from caviar.service.usecases.submit import accept, submit
from caviar.trainer.data import more_rows

LEADERS, SEEDS = 3, 5
LOOKED_AT = 20  # trials for each winner that is wanted: several may have the same point
OWN = ("target", "task", "categorical", "ignore", "weights", "groups", "groups_are_features", "missing",
       "image_shape", "split", "stratify", "folds", "repeats", "split_groups", "ordered", "seed",
       "normalize")  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What to re-test, as a person asked for it."""

    data: Any = None  # a dataset object, a name, a beginning and *; None: the same data
    leaders: int = LEADERS
    seeds: int = SEEDS
    fresh: int = 0  # trials of a search of its own on the newer data

    def as_text(self) -> str:
        """Return JSON."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(frozen=True)
class Plan:
    """The searches that a re-test will consist of; `baseline` is an id where the last re-test has one."""

    search: int
    wish: Wish
    nth: int
    data: dict[str, Any] | None
    winners: list[dict[str, Any]]
    baseline: SearchSpec | int
    again: SearchSpec
    fresh: SearchSpec | None
    model: Content | None = None  # that all its trials start from

    @property
    def searches(self) -> int:
        """How many searches it will make."""
        return 1 + isinstance(self.baseline, SearchSpec) + (self.fresh is not None)


def plan(store: Database, blobs: Blobs, search: int, wish: Wish) -> Plan:
    """Check what is to be re-tested, and return the searches for it.

    Raises NotFoundError, ConflictError for a search that has not ended or has no result, RefusedError for
    data that will not do.
    """
    with store.reading() as snapshot:
        row = search_rows.get(snapshot, search)
        spec = _able(row)
        earlier = rows.of_search(snapshot, search)
        if any(one.state == "running" for one in earlier):
            raise ConflictError(f"a re-test of search {search} is still running; wait for its end")
        data = None if wish.data is None else _newer(snapshot, spec, wish.data)
        winners = _winners(snapshot, row, spec, wish.leaders)
        trained = _baseline(snapshot, earlier, winners, wish.seeds)
    nth = 1 + max((one.nth for one in earlier), default=0)
    dataset = dict(spec.dataset) if data is None else data

    def fixed(which: str, place: int, on: Mapping[str, Any]) -> tuple[SearchSpec, Content | None]:
        return _accepted(store, blobs, points_again(spec, row, on, winners, wish.seeds, nth, which, place))

    again, model = fixed("on the newer data" if data else "again", 1, dataset)
    baseline: SearchSpec | int | None = trained
    if baseline is None:
        baseline, _ = fixed("on the earlier data", 0, spec.dataset)
    fresh = (
        None
        if not wish.fresh
        else _accepted(store, blobs, fresh_search(spec, row, dataset, (wish.fresh, wish.seeds), nth))[0]
    )
    return Plan(search, wish, nth, data, winners, baseline, again, fresh, model)


async def copies(store: Database, blobs: Blobs, made: Plan) -> list[StoredStartingModel | None]:
    """Write a copy of the model that trials start from, if they do, for each search of a re-test."""
    return [await starting_model.copied(store, blobs, made.model) for _ in range(made.searches)]


def begin(
    tx: Transaction, made: Plan, workers: int, models: Sequence[StoredStartingModel | None]
) -> StoredRetest:
    """Store a re-test and its searches. Raises ConflictError if another one began meanwhile."""
    search_rows.get(tx, made.search)
    if any(one.state == "running" or one.nth >= made.nth for one in rows.of_search(tx, made.search)):
        raise ConflictError(f"a re-test of search {made.search} has just begun")

    own = iter(models)

    def submitted(spec: SearchSpec) -> int:
        child, _ = submit(tx, spec, workers=workers, model=next(own))
        search_rows.change(tx, child, retest_of=made.search)
        return child

    baseline = made.baseline if isinstance(made.baseline, int) else submitted(made.baseline)
    again = submitted(made.again)
    fresh = None if made.fresh is None else submitted(made.fresh)
    data = None if made.data is None else orjson.dumps(made.data).decode()
    winners = orjson.dumps(made.winners).decode()
    row = StoredRetest(
        0, made.search, made.nth, tx.now, tx.who, data, winners, made.wish.seeds, baseline, again, fresh
    )
    audit.record(tx, "retest", made.search, after={"nth": made.nth, "data": made.data})
    return rows.add(tx, row)


def schedule(tx: Transaction, search: int, wish: Wish, seconds: float) -> None:
    """Have a search re-tested again and again; the first time by who asks for it."""
    rows.put_schedule(tx, StoredSchedule(search, seconds, tx.now + seconds, wish.as_text(), tx.who))
    audit.record(tx, "schedule retests", search, after={"seconds": seconds, "data": wish.data})


def unschedule(tx: Transaction, search: int) -> None:
    """End the schedule of a search. Raises NotFoundError."""
    search_rows.get(tx, search)
    if not rows.remove_schedule(tx, search):
        raise NotFoundError(f"search {search} is not re-tested on a schedule")
    audit.record(tx, "unschedule retests", search)


def _able(row: StoredSearch) -> SearchSpec:
    """Return the search. Raises ConflictError if it cannot be re-tested."""
    if row.ended is None and row.switch != "cancelled":
        raise ConflictError(f"search {row.id} has not ended; wait for its end, or cancel it")
    if row.best_number is None:
        raise ConflictError(f"search {row.id} has no result whose point could be trained again")
    if row.retest_of is not None:
        raise ConflictError(f"search {row.id} is a re-test itself; re-test search {row.retest_of}")
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if spec.trainer in ("optuna", "external"):
        message = f"the trials of search {row.id} are trained by scripts, which know their data themselves"
        raise ConflictError(f"{message}: submit its best points as `enqueued` of a new search")
    if spec.strategy.name == "population":
        raise ConflictError("turns of a population go on from one another; they are not trained again alone")
    return spec


def _newer(snapshot: Snapshot, spec: SearchSpec, given: Any) -> dict[str, Any]:
    """Return the dataset object of newer data, with what the original says of its own."""
    source = {"name": given} if isinstance(given, str) else dict(given)
    if not source.get("name"):
        remedy = (
            'give the name of a data set, such as "new", {name: new}, or "sales*" for the newest of these'
        )
        raise RefusedError.of("data", "no data set is named", remedy)
    if str(source["name"]).endswith("*"):
        source["name"] = _newest(snapshot, str(source["name"])[:-1])
    try:
        old = datasets.resolve(snapshot, spec.dataset)
        kept = {key: old[key] for key in OWN if old.get(key) is not None}
        if any(old.get(part) for part in ("dev", "test")):
            kept.pop("split", None)  # it was about the other sources
        if more_rows.KEY in spec.dataset:
            kept[more_rows.KEY] = spec.dataset[more_rows.KEY]
        data = {**kept, **source}
        new = datasets.resolve(snapshot, data)
    except RefusedError as error:
        raise _of_data(error) from error
    _check_columns(snapshot, old, new)
    return data


def _newest(snapshot: Snapshot, beginning: str) -> str:
    """Return the name of the newest data set whose name begins so."""
    found = [row for row in dataset_rows.listed(snapshot) if row.name.startswith(beginning)]
    if not found:
        message = f"no data set has a name that begins with {beginning!r}"
        raise RefusedError.of("data", message, "upload one: caviar upload")
    return max(found, key=lambda row: (row.created, row.id)).name


def _check_columns(snapshot: Snapshot, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise RefusedError unless both data sets have the same columns to learn from."""
    before, after = (submit_data.feature_names(snapshot, one) for one in (old, new))
    if before is None or after is None:
        return  # not known before they are read; then `trainer.drift` says it
    lacking, more = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    if lacking:
        message = f"{new['name']} lacks the columns {', '.join(lacking[:10])} of {old['name']}"
        raise RefusedError.of("data", message, "name them as they were, or submit a new search")
    if more:
        message = f"{new['name']} has columns that {old['name']} has not: {', '.join(more[:10])}"
        remedy = f"leave them out: data {{name: {new['name']}, ignore: [{', '.join(more[:10])}]}}"
        raise RefusedError.of("data", message, remedy)


def _winners(snapshot: Snapshot, row: StoredSearch, spec: SearchSpec, leaders: int) -> list[dict[str, Any]]:
    """Return the leading points, those trained again first, each with the trial that made it one."""
    found: dict[Any, dict[str, Any]] = {}
    fresh = [(one.trial, one.params) for one in read_standings(snapshot, row.id).items]
    rest = reads.best(snapshot, row.id, LOOKED_AT * leaders)
    best = [(f"{one.search_id}.{one.number}", one.params) for one in rest]
    for trial, params in [*fresh, *best]:
        point = orjson.loads(params)
        key = spec.space.key(spec.space.canonical(point))
        found.setdefault(key, {"trial": trial, "params": point})
    return list(found.values())[:leaders]


def _baseline(
    snapshot: Snapshot, earlier: Sequence[StoredRetest], winners: list[dict[str, Any]], seeds: int
) -> int | None:
    """Return the search that has trained just these on the earlier data, if there is one still."""
    for one in earlier:
        same = one.state == "ended" and one.seeds == seeds and orjson.loads(one.winners) == winners
        if same and search_rows.find(snapshot, one.baseline) is not None:
            return one.baseline
    return None


def _accepted(store: Database, blobs: Blobs, data: dict[str, Any]) -> tuple[SearchSpec, Content | None]:
    try:
        return accept(store, blobs, data)
    except RefusedError as error:
        raise _of_data(error) from error


def _of_data(error: RefusedError) -> RefusedError:
    """Name fields of the data set as the request has them."""
    problems = [
        FieldProblem("data" + one.field.removeprefix("dataset"), one.message, one.remedy)
        if one.field.startswith("dataset")
        else one
        for one in error.problems
    ]
    return RefusedError.of_all(problems)
