"""every look at a test set is on record"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("search_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("test_set", sa.String(64), nullable=False),
        sa.Column("nth", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("result", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("looks_test_set", "looks", ["test_set"])
    op.create_index("looks_trial", "looks", ["search_id", "number"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
