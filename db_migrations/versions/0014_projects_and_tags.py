"""project, tags, owner of searches, whether they are archived, and the words to find them by"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("project", sa.String(100)),
        sa.Column("owner", sa.String(200)),
        sa.Column("archived", sa.Double),
        sa.Column("words", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("searches", column)
    op.create_index("searches_project", "searches", ["project"])
    op.create_table(
        "search_tags",
        sa.Column(
            "search_id", sa.Integer, sa.ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("tag", sa.String(60), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("search_tags_tag", "search_tags", ["tag"])
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, name, spec FROM searches")).all()
    words = [{"id": row.id, "words": _words(row.name, json.loads(row.spec))} for row in rows]
    if words:
        connection.execute(sa.text("UPDATE searches SET words = :words WHERE id = :id"), words)


def _words(name: str, spec: dict[str, Any]) -> str:
    """Return what they are found by: their name and their data, which is all they have."""
    data = (spec.get("dataset") or {}).get("name")
    return "\n".join([name, *([str(data)] if data else [])]).casefold()


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
