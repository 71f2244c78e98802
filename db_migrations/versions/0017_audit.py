"""the audit trail: who changed what; it takes over the edits of searches"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SWITCHED = {"paused": "pause", "active": "resume", "cancelled": "cancel"}


def upgrade() -> None:
    audit = op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("who", sa.String(200)),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("search_id", sa.Integer),
        sa.Column("number", sa.Integer),
        sa.Column("subject", sa.String(200)),
        sa.Column("version", sa.Integer),
        sa.Column("proposed", sa.Integer),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_search", "audit", ["search_id", "id"])
    connection = op.get_bind()
    names = "search_id, version, created, proposed, before, after"
    rows = connection.execute(sa.text(f"SELECT {names} FROM edits ORDER BY id"))  # noqa: S608
    kept = [_row(row._mapping) for row in rows]
    if kept:
        connection.execute(sa.insert(audit), kept)
    op.drop_table("edits")


def _row(edit: Any) -> dict[str, Any]:
    """Return what an edit says of itself; who made it, of exclusions alone."""
    before, after = json.loads(edit["before"]), json.loads(edit["after"])
    what, number, who = "edit", None, None
    field = next(iter(after), "")
    if field == "switch":
        what = _SWITCHED[after["switch"]]
    elif field.startswith("trial "):
        number, who = int(field.removeprefix("trial ")), after[field].get("by")
        what = "exclude" if before.get(field) is None else "include"
    return {**edit, "what": what, "number": number, "who": who}


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
