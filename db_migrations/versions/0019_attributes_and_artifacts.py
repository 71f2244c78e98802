"""what a script notes of a trial, and files that it attaches"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OF_TRIAL = ["search_id", "number"], ["trials.search_id", "trials.number"]


def upgrade() -> None:
    op.create_table(
        "attributes",
        sa.Column("search_id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(*OF_TRIAL, ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "artifacts",
        sa.Column("search_id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(*OF_TRIAL, ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
