"""re-tests of searches, their schedules, and what the last one says beside each search"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def _search() -> sa.ForeignKey:
    return sa.ForeignKey("searches.id", ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "retests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("search_id", sa.Integer, _search(), nullable=False),
        sa.Column("nth", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("who", sa.String(200)),
        sa.Column("data", sa.Text),
        sa.Column("winners", sa.Text, nullable=False),
        sa.Column("seeds", sa.Integer, nullable=False),
        sa.Column("baseline", sa.Integer, nullable=False),
        sa.Column("again", sa.Integer, nullable=False),
        sa.Column("fresh", sa.Integer),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("taken", sa.Double),
        sa.Column("ended", sa.Double),
        sa.Column("drifted", sa.Boolean),
        sa.Column("report", sa.Text),
        sa.Column("problem", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("retests_search", "retests", ["search_id", "nth"], unique=True)
    running = sa.text("state = 'running'")
    op.create_index("retests_running", "retests", ["id"], sqlite_where=running, postgresql_where=running)
    op.create_table(
        "retest_schedules",
        sa.Column("search_id", sa.Integer, _search(), primary_key=True),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("who", sa.String(200)),
        sa.Column("problem", sa.Text),
    )
    op.add_column("searches", sa.Column("retest_of", sa.Integer))
    op.add_column("searches", sa.Column("drift", sa.Text))
    op.add_column("webhook_news", sa.Column("drift", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
