"""The tables, declared once for SQLite and Postgres; db_migrations/ builds these and people_tables.py's.

Columns exist for what is filtered, sorted or locked; the rest is JSON text. Times are seconds since 1970.
`revision` is a number of the whole store that grows with every change of a row: "what changed since" is one
index scan, and event streams resume by it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    text,
)

from caviar.trial_fields import ENDED, FIELDS, STATES, Field

__all__ = ["ENDED", "STATES"]  # and the tables

RUNNING = text("state = 'running'")
WITHHELD = text("withheld IS NOT NULL")
WAITING = text("state = 'waiting'")
SPEC_VERSION = 1

metadata = MetaData()
_SQL: dict[type, Any] = {int: Integer, float: Double, str: Text, bytes: LargeBinary}
BigId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts rows by INTEGER keys alone


def _column(one: Field) -> Column[Any]:
    """Make the column of a field of trials."""
    kind: Any = String(one.length) if one.length else BigInteger() if one.big else _SQL[one.type]()
    return Column(one.column, kind, primary_key=one.key, nullable=one.null)


revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

identity = Table(
    "identity",  # one row, drawn when the database was made; its files lie in a folder of this name
    metadata,
    Column("id", String(16), primary_key=True),
)

searches = Table(
    "searches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("note", Text),
    Column("switch", String(9), nullable=False),  # active, paused, cancelled
    Column("mode", String(9), nullable=False),
    Column("spec", Text, nullable=False),
    Column("spec_version", Integer, nullable=False),
    Column("version", Integer, nullable=False),  # grows with every edit: the ETag
    Column("parallel", Integer, nullable=False),
    Column("lag", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("total", Integer, nullable=False),  # trials it will have when it has ended
    Column("by_hand", Integer, nullable=False),  # of these, beyond the budget: forks, re-runs
    Column("proposed", Integer, nullable=False),  # numbers given out so far
    Column("exhausted", Boolean, nullable=False),  # always false; nothing reads it any more
    Column("problem", Text),  # why the server paused it by itself
    *(Column(state, Integer, nullable=False, server_default="0") for state in STATES),
    Column("best_number", Integer),
    Column("best_value", Double),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("ended", Double),
    Column("ran", Double, nullable=False, server_default="0"),  # seconds, up to its last pause or end
    Column("ran_since", Double),  # its clock goes on from here; NULL: it stands
    Column("deadline", Double),  # when its budget of seconds will be used up, as things stand
    Column("over", Text),  # JSON: which budget ended it, and by which trial
    Column("project", String(100)),
    Column("owner", String(200)),  # who submitted it; NULL: before this was recorded
    Column("archived", Double),  # since when lists leave it out
    Column("words", Text, nullable=False, server_default=""),  # what a search by text looks through
    Column("retest_of", Integer),  # the search whose winners it trains again
    Column("drift", Text),  # what its last re-test says, if that has failed
    Column("revision", BigInteger, nullable=False),
    Index("searches_open", "switch", "ended"),
    Index("searches_project", "project"),
    Index("searches_revision", "revision"),
    sqlite_autoincrement=True,
)

search_tags = Table(
    "search_tags",
    metadata,
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(60), primary_key=True),
    Index("search_tags_tag", "tag"),
    sqlite_with_rowid=False,
)

trials = Table(
    "trials",
    metadata,
    *(_column(one) for one in FIELDS),
    ForeignKeyConstraint(["search_id"], ["searches.id"], ondelete="CASCADE"),
    Index("trials_state", "search_id", "state", "number"),
    Index("trials_value", "search_id", "value", "number"),
    Index("trials_ended", "search_id", "ended", "number", "value"),  # courses are read from it alone
    Index("trials_revision", "search_id", "revision"),
    Index("trials_withheld", "search_id", "number", sqlite_where=WITHHELD, postgresql_where=WITHHELD),
    Index("trials_held", "agent", sqlite_where=RUNNING, postgresql_where=RUNNING),
    sqlite_with_rowid=False,
)

# Conditions as the partial indices have them: a bound parameter would keep SQLite from using those.
HELD = trials.c.state == literal_column("'running'")  # in an agent's hands; a paused one was handed back

_TRIAL = ("trials.search_id", "trials.number")


def _of_trial() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["search_id", "number"], list(_TRIAL), ondelete="CASCADE")


attempts = Table(
    "attempts",  # the attempts that did not end their trial, with what became of them
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("agent", String(32)),
    Column("epoch", Integer, nullable=False),
    Column("started", Double),
    Column("ended", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("log", Text),
    # Of one that was in training when its agent was lost (service/usecases/leases.py); else NULL.
    Column("cause", String(8)),  # trial, unknown, server, outside
    Column("branch", Integer),
    Column("step", BigInteger),  # of the newest checkpoint then
    Column("trained", Double),  # seconds until the agent was lost
    Column("lived", Double),  # seconds that the agent had lived until it began with this trial
    _of_trial(),
    sqlite_with_rowid=False,
)

curve_columns = Table(
    "curve_columns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("names", Text, nullable=False),  # JSON list
)

curves = Table(
    "curves",  # append-only pieces of learning curves: float32, row after row
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("branch", Integer, primary_key=True),
    Column("first", Integer, primary_key=True),  # epoch of the first row
    Column("rows", Integer, nullable=False),
    Column("columns_id", Integer, ForeignKey("curve_columns.id"), nullable=False),
    Column("data", LargeBinary, nullable=False),
    _of_trial(),
    sqlite_with_rowid=False,
)

costs = Table(
    "costs",  # costs of mini-batches, where somebody wants them: (float64 step, float64 cost) pairs
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("branch", Integer, primary_key=True),
    Column("first", BigInteger, primary_key=True),  # the first step
    Column("last", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    _of_trial(),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("search_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("branch", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),  # changes of settings it already contains
    Column("kind", String(16), nullable=False),  # schedule, command, end, model
    Column("name", String(80), nullable=False),  # of the file, made by the server
    Column("digest", String(80), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Double, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index("checkpoints_trial", "search_id", "number", "id"),
    _of_trial(),
    sqlite_autoincrement=True,
)

starting_models = Table(
    "starting_models",  # that the trials of a search start from: copies, which outlive the trial
    metadata,
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True),
    Column("trial", String(20), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Index("starting_models_digest", "digest"),
)

attributes = Table(
    "attributes",  # what a script notes of a trial
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("changed", Double, nullable=False),
    _of_trial(),
    sqlite_with_rowid=False,
)

artifacts = Table(
    "artifacts",  # files that a script attaches to a trial
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("file", String(80), nullable=False),  # its name, made by the server
    Column("digest", String(80), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Double, nullable=False),
    _of_trial(),
    sqlite_with_rowid=False,
)

commands = Table(
    "commands",  # what a person asked of a running trial
    metadata,
    Column("id", BigId, primary_key=True),
    Column("search_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("branch", Integer),  # where it took effect
    Column("kind", String(16), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("at", Text, nullable=False),  # the `when` of the request, as JSON
    Column("state", String(9), nullable=False),  # waiting, applied, refused
    Column("step", BigInteger),
    Column("epoch", Integer),
    Column("before", Text),
    Column("after", Text),
    Column("reason", Text),
    Column("idempotency", String(200)),
    Column("created", Double, nullable=False),
    Column("answered", Double),
    Column("revision", BigInteger, nullable=False),
    Index("commands_trial", "search_id", "number", "id"),
    Index(
        "commands_waiting",
        "search_id",
        "number",
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    ),
    _of_trial(),
    sqlite_autoincrement=True,
)

agents = Table(
    "agents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("engine", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("trainers", Text, nullable=False),
    Column("state", String(9), nullable=False),  # alive, lost, left
    Column("started", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("reason", Text),
    Column("credential", String(64)),  # digest of what it has shown first, and must show ever after
    Column("training", String(32)),  # the trial in training and its attempt, as 3.17/1
    Column("training_since", Double),
    Column("epoch_since", Double),  # when its last epoch ended, or its training began
    Column("streak", Integer, nullable=False, server_default="0"),  # trials in a row that failed on it
    Column("suspended", Text),  # why it is given no more trials
    Column("trusted", Double),  # when a person gave it trials again
    Column("slot", Text),  # what it has for a trial, as JSON; none: one CPU
    Column("device", String(64)),  # its CUDA_VISIBLE_DEVICES
    Index("agents_lease", "state", "lease_until"),
    Index("agents_credential", "credential"),
)

idempotency = Table(
    "idempotency",  # Idempotency-Key of a submit: the same key gives the same search again
    metadata,
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("search_id", Integer, nullable=False),
    Column("created", Double, nullable=False),
)

datasets = Table(
    "datasets",  # uploaded data sets; those built into a trainer have no row
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("digest", String(80), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("meta", Text, nullable=False),
    Column("created", Double, nullable=False),
    sqlite_autoincrement=True,
)

looks = Table(
    "looks",  # at test sets: whose model, by whom, why, and what was seen; none is ever removed
    metadata,
    Column("id", BigId, primary_key=True),
    Column("search_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("test_set", String(64), nullable=False),
    Column("nth", Integer, nullable=False),  # look at this test set
    Column("created", Double, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text),
    Column("result", Text, nullable=False),
    Index("looks_test_set", "test_set"),
    Index("looks_trial", "search_id", "number"),
    sqlite_autoincrement=True,
)

row_tags = Table(
    "row_tags",  # what people say of rows of a data set when they look at errors
    metadata,
    Column("id", BigId, primary_key=True),
    Column("data", String(120), nullable=False),  # "upload:3", or "builtin:" and a name
    Column("row", BigInteger, nullable=False),  # of its file, from 1
    Column("tag", String(100), nullable=False),
    Column("label", Text),  # the right one, of the tag that says the label is wrong
    Column("who", String(200), nullable=False),
    Column("created", Double, nullable=False),
    Index("row_tags_row", "data", "row", "tag", unique=True),
)

studies = Table(
    "studies",  # searches whose trials a script makes with Optuna
    metadata,
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(512), nullable=False, unique=True),  # as Optuna knows it
    Column("document", Text, nullable=False),  # directions and attributes: service/usecases/studies.py
)

study_trials = Table(
    "study_trials",
    metadata,
    Column("search_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(32), nullable=False),  # of the last write: when its answer is lost, it is repeated
    Column("seen", Double),  # its last heartbeat
    Column("document", Text, nullable=False),  # what Optuna knows of it: service/usecases/study_trials.py
    _of_trial(),
    sqlite_with_rowid=False,
)

WAITS = commands.c.state == literal_column("'waiting'")
